"""Difference target propagation (DTP), Lee et al. (2015)."""

import gin
import keras

from tp_keras.layers.transpose import difference
from tp_keras.learners.target_learner import TargetLearner


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class DTP(TargetLearner):
    """SDTP whose topmost hidden target is a step down the gradient of the loss.

    target[L-1] = h[L-1] - alpha * A[L]^T delta[L], on each example's own gradient; no g[L]
    """

    def __init__(
        self,
        network,
        objective,
        noise_stddev,
        alpha,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        name=None,
    ):
        super().__init__(
            network, objective, noise_stddev, inverse_activation, inverse, reduction, seed, name
        )
        self.alpha = alpha

    def inverses(self):
        return {l: g for l, g in super().inverses().items() if l < self.depth}

    def targets(self, a, h, y):
        f, g, L = self.network.f, self.g, self.depth
        target = {L: self.objective.target(y)}
        target[L - 1] = h[L - 1] - self.alpha * f[L].adjoint(self.output_delta(a, y))
        for l in reversed(range(1, L - 1)):
            target[l] = h[l] + difference(g[l + 1], target[l + 1], h[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return noisy

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
