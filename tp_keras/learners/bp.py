"""Backpropagation (BP), Rumelhart et al. (1986)."""

import gin
import keras

from tp_keras.learners.learner import Learner, through


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class BP(Learner):
    """Errors descend through the transposed forward weights.

    delta[l] = sigma'(a[l]) * A[l+1]^T delta[l+1]
    """

    def deltas(self, a, h, y):
        f, L = self.network.f, self.depth
        delta = {L: self.output_delta(a, y)}
        for l in reversed(range(1, L)):
            delta[l] = through(f[l].activation, a[l], f[l + 1].adjoint(delta[l + 1]))
        return delta
