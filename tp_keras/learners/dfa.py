"""Direct feedback alignment (DFA), Nokland (2016)."""

import gin
import keras

from tp_keras import feedback
from tp_keras.learners.learner import Learner, through


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class DFA(Learner):
    """The output error reaches each hidden layer through fixed random weights of its own.

    delta[l] = sigma'(a[l]) * B[l] delta[L]

    Args:
      feedback_storage: How B is kept, "stored", "stored_bfloat16" or "seeded" (see
        `feedback.direct`).
      seed: Seed of a seeded B, an integer.
    """

    def __init__(self, network, objective, feedback_storage="stored", seed=0, name=None):
        super().__init__(network, objective, name=name)
        self.feedback_storage, self.seed = feedback_storage, seed
        self.B = feedback.direct(network, feedback_storage, seed)

    def deltas(self, a, h, y):
        f, B, L = self.network.f, self.B, self.depth
        delta = {L: self.output_delta(a, y)}
        for l in range(1, L):
            delta[l] = through(f[l].activation, a[l], B[l](delta[L]))
        return delta

    def get_config(self):
        names = ("feedback_storage", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
