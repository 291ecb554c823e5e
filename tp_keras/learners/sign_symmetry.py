"""Sign-symmetry, Liao et al. (2016), Xiao et al. (2019)."""

from tp_keras import feedback_rules
from tp_keras.learners.fa import FA
from tp_keras.learners.rule import rule


@rule("sign_symmetry")
class SignSymmetry(FA):
    """Feedback with the signs of the forward weights and fixed random magnitudes.

    error[l] = (|B[l+1]| * sign(A[l+1])^T) (sigma'(a[l+1]) * error[l+1])

    Of Liao et al.'s variants the one of fixed random magnitudes, without batch normalisation.
    """

    def errors(self, record, y):
        error = {self.depth: self.output_error(record, y)}
        for l in reversed(range(1, self.depth)):
            error[l] = record.below(l + 1, error[l + 1], self.feedback(l + 1))
        return error

    def feedback(self, l):
        """What stands for A[l]^T, a function of the error of a[l]."""
        return lambda delta: self.network.f[l].backward_linear(delta, self.feedback_kernel(l))

    def feedback_kernel(self, l):
        """The feedback weights of layer l, laid out as B[l]'s."""
        f = self.network.f[l]
        W = f.backward_kernel(f.kernel)
        return feedback_rules.SignSymmetry().kernel(W, self.B[l].kernel)
