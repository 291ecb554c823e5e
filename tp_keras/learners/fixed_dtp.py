"""Fixed-weight difference target propagation (FW-DTP), Shibuya et al. (2023)."""

import gin
import keras

from tp_keras import feedback
from tp_keras.layers.transpose import difference
from tp_keras.learners.learner import Learner, through


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class FixedDTP(Learner):
    """DTP whose inverses keep their initial weights; without batch normalisation.

    target[l] = h[l] - g[l+1](h[l+1]) + g[l+1](target[l+1])
    target[L-1] = h[L-1] - alpha * A[L]^T delta[L]

    Args:
      alpha: Size of that step on each example's own gradient (Table 4's alpha).
      inverse_activation: The nonlinearity of the inverses, "tanh" or "linear".
    """

    def __init__(self, network, objective, alpha, inverse_activation="tanh", name=None):
        super().__init__(network, objective, name=name)
        self.alpha, self.inverse_activation = alpha, inverse_activation
        self.g = feedback.inverses(network, inverse_activation)
        del self.g[self.depth]  # the topmost target needs none

    def deltas(self, a, h, y):
        f, g, L = self.network.f, self.g, self.depth
        delta, target = {L: self.output_delta(a, y)}, {}
        target[L - 1] = h[L - 1] - self.alpha * f[L].adjoint(delta[L])
        for l in reversed(range(1, L - 1)):
            target[l] = h[l] + difference(g[l + 1], target[l + 1], h[l + 1])
        for l in range(1, L):
            delta[l] = through(f[l].activation, a[l], 2.0 * (h[l] - target[l]))
        return delta

    def get_config(self):
        names = ("alpha", "inverse_activation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
