"""Sign-symmetry, Liao et al. (2016), Xiao et al. (2019)."""

import gin
import keras

from tp_keras import feedback_rules
from tp_keras.learners.fa import FA
from tp_keras.learners.learner import through


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class SignSymmetry(FA):
    """Feedback with the signs of the forward weights and fixed random magnitudes.

    delta[l] = sigma'(a[l]) * (|B[l+1]| * sign(A[l+1])^T) delta[l+1]

    Of Liao et al.'s variants the one of fixed random magnitudes, without batch normalisation.
    """

    def deltas(self, a, h, y):
        f, L = self.network.f, self.depth
        delta = {L: self.output_delta(a, y)}
        for l in reversed(range(1, L)):
            error = f[l + 1].backward_linear(delta[l + 1], self.feedback_kernel(l + 1))
            delta[l] = through(f[l].activation, a[l], error)
        return delta

    def feedback_kernel(self, l):
        """The feedback weights of layer l, laid out as B[l]'s."""
        f = self.network.f[l]
        W = f.backward_kernel(f.kernel)
        return feedback_rules.SignSymmetry().kernel(W, self.B[l].kernel)
