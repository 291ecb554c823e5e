"""Direct feedback alignment (DFA), Nokland (2016)."""

from tp_keras import feedback
from tp_keras.learners.learner import Learner
from tp_keras.learners.rule import rule
from tp_keras.scalars import whole


@rule("dfa")
class DFA(Learner):
    """The output error reaches each hidden block through fixed random weights of its own.

    error[l] = B[l] error[L]

    Args:
      feedback_storage: How B is kept, "stored", "stored_bfloat16" or "seeded" (see
        `feedback.direct`).
      seed: Seed of a seeded B, an integer.
    """

    def __init__(self, network, objective=None, feedback_storage="stored", seed=0, name=None):
        super().__init__(network, objective, name=name)
        self.feedback_storage, self.seed = feedback_storage, whole("`seed`", seed)
        self.B = feedback.direct(network, feedback_storage, self.seed)

    def errors(self, record, y):
        error = {self.depth: self.output_error(record, y)}
        for l in range(1, self.depth):
            error[l] = self.B[l](error[self.depth])
        return error

    def get_config(self):
        names = ("feedback_storage", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
