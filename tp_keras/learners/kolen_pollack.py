"""Kolen-Pollack, Kolen & Pollack (1994), in the form of Akrout et al. (2019)."""

from functools import partial

import tensorflow as tf

from tp_keras import feedback
from tp_keras.learners.learner import Learner, Update
from tp_keras.learners.rule import rule
from tp_keras.optimizers import Decay
from tp_keras.scalars import real


@rule("kolen_pollack")
class KolenPollack(Learner):
    """Feedback alignment whose B is updated as W is, so that B - W decays to 0.

    W[l] += -eta * delta[l] h[l-1]^T - decay * W[l]    (Akrout et al., equation 16), l > 1
    B[l] += -eta * h[l-1] delta[l]^T - decay * B[l]    (17), so B - W^T falls by (1 - decay)
    Kept is that gap: B = (W + gap)^T, at L 0 if `exact_top`. Adam's step stands for -eta ..
    """

    optimizer_names = ("optimizer", "decay_optimizer")

    def __init__(self, network, objective=None, decay=None, exact_top=False, name=None):
        super().__init__(network, objective, name=name)
        self.decay, self.decay_optimizer = real("`decay`", decay, 0), Decay()
        self.gap, self.exact_top = feedback.gaps(network, type(self).__name__, exact_top), exact_top
        self.decay_optimizer.build(self.decaying)

    @property
    def decaying(self):
        kernels = [self.network.f[l].kernel for l in self.gap]
        return [*kernels, *self.gap.values(), *feedback.learned(self.network)]

    def errors(self, record, y):
        f, error = self.network.f, {self.depth: self.output_error(record, y)}
        for l in reversed(range(2, self.depth + 1)):
            B = partial(f[l].adjoint, kernel=f[l].kernel + self.gap[l])
            error[l - 1] = record.below(l, error[l], B)
        return error

    def updates(self, record, y):
        errors, replicas = self.errors(record, y), tf.distribute.get_strategy().num_replicas_in_sync
        with tf.control_dependencies([tf.group(*errors.values())]):  # or W is in memory twice
            shares = [tf.constant(self.decay / replicas) for _ in self.decaying]
        decay = Update(self.decay_optimizer, shares, self.decaying)
        return [decay, self.forward_update(record, errors)]

    def get_config(self):
        return {**super().get_config(), "decay": self.decay, "exact_top": self.exact_top}
