"""Frozen hidden layers: the control that tells whether depth is used at all."""

from tp_keras.learners.learner import Learner
from tp_keras.learners.rule import rule


@rule("frozen")
class Frozen(Learner):
    """Hidden blocks keep their initial weights, only the output block learns.

    There is no error[l] below the output.
    """

    def errors(self, record, y):
        return {self.depth: self.output_error(record, y)}
