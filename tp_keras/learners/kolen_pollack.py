"""Kolen-Pollack, Kolen & Pollack (1994), in the form of Akrout et al. (2019)."""

from functools import partial

import tensorflow as tf

from tp_keras import feedback
from tp_keras.learners.learner import Learner, Update
from tp_keras.learners.rule import at_least, rule
from tp_keras.optimizers import Decay


@rule("kolen_pollack")
class KolenPollack(Learner):
    """Feedback alignment whose B is updated as W is, so that B - W decays to 0.

    W[l] += -eta * delta[l] h[l-1]^T - decay * W[l]    (Akrout et al., equation 16)
    B[l] += -eta * h[l-1] delta[l]^T - decay * B[l]    (17), so B - W^T falls by (1 - decay)
    Kept is that gap: B = (W + gap)^T. Adam's step stands for -eta ..; layer 1 does not decay.
    """

    optimizer_names = ("optimizer", "decay_optimizer")

    def __init__(self, network, objective=None, decay=None, name=None):
        super().__init__(network, objective, name=name)
        self.decay, self.decay_optimizer = at_least("decay", decay, 0), Decay()
        self.gap = feedback.gaps(network, type(self).__name__)
        self.decay_optimizer.build(self.decaying)

    @property
    def decaying(self):
        blocks = [*(self.network.f[l].kernel for l in self.gap), *self.gap.values()]
        return blocks + feedback.learned(self.network)

    def errors(self, record, y):
        f, error = self.network.f, {self.depth: self.output_error(record, y)}
        for l in reversed(range(2, self.depth + 1)):
            B = partial(f[l].adjoint, kernel=f[l].kernel + self.gap[l])
            error[l - 1] = record.below(l, error[l], B)
        return error

    def updates(self, record, y):
        errors, replicas = self.errors(record, y), tf.distribute.get_strategy().num_replicas_in_sync
        # Not before all have read W, or old and new weights would be in memory together
        with tf.control_dependencies([tf.group(*errors.values())]):
            shares = [tf.constant(self.decay / replicas) for _ in self.decaying]
        decay = Update(self.decay_optimizer, shares, self.decaying)
        return [decay, self.forward_update(record, errors)]

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}
