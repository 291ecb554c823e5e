"""Backpropagation (BP), Rumelhart et al. (1986)."""

from tp_keras.learners.learner import Learner
from tp_keras.learners.rule import rule


@rule("bp")
class BP(Learner):
    """Errors descend through the gradient of every block, an affine one's transposed weights.

    error[l] = A[l+1]^T (sigma'(a[l+1]) * error[l+1])
    """

    def errors(self, record, y):
        error = {self.depth: self.output_error(record, y)}
        for l in reversed(range(1, self.depth)):
            error[l] = record.below(l + 1, error[l + 1])
        return error
