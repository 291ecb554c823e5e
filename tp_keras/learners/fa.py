"""Feedback alignment (FA), Lillicrap et al. (2016)."""

from tp_keras import feedback
from tp_keras.learners.learner import Learner
from tp_keras.learners.rule import rule


@rule("fa")
class FA(Learner):
    """Backpropagation with fixed random weights in place of the transposed forward ones.

    error[l] = B[l+1] (sigma'(a[l+1]) * error[l+1])

    Blocks 2..L must be affine; `tp_keras.convert` brings the rule to any other model.
    """

    def __init__(self, network, objective=None, name=None):
        super().__init__(network, objective, name=name)
        self.B = feedback.random(network, type(self).__name__)

    def errors(self, record, y):
        error = {self.depth: self.output_error(record, y)}
        for l in reversed(range(1, self.depth)):
            error[l] = record.below(l + 1, error[l + 1], self.B[l + 1])
        return error
