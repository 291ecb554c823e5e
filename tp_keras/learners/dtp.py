"""Difference target propagation (DTP), Lee et al. (2015)."""

from tp_keras.layers.transpose import difference
from tp_keras.learners.inverse_learner import InverseLearner
from tp_keras.learners.rule import rule
from tp_keras.scalars import real


@rule("dtp")
class DTP(InverseLearner):
    """SDTP whose topmost hidden target is a step down the gradient of the loss.

    target[L-1] = h[L-1] - alpha * A[L]^T delta[L], on each example's own gradient; no g[L]
    """

    def __init__(
        self,
        network,
        objective=None,
        noise_stddev=None,
        alpha=None,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        inverses=None,
        name=None,
    ):
        options = (noise_stddev, inverse_activation, inverse, reduction, seed, inverses, name)
        super().__init__(network, objective, *options)
        self.alpha = real("`alpha`", alpha, 0)

    @property
    def highest_inverse(self):
        return self.depth - 1

    def targets(self, record, y):
        g, h, L = self.g, record.h, self.depth
        target = {L - 1: h[L - 1] - self.alpha * record.below(L, self.example_error(record, y))}
        for l in reversed(range(1, L - 1)):
            target[l] = h[l] + difference(g[l + 1], target[l + 1], h[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return noisy

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
