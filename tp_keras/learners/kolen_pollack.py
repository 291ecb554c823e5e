"""Kolen-Pollack, Kolen & Pollack (1994), in the form of Akrout et al. (2019)."""

import gin
import keras
import tensorflow as tf

from tp_keras import feedback
from tp_keras.learners.learner import Learner, through
from tp_keras.optimizers import Decay


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class KolenPollack(Learner):
    """Feedback alignment whose B learns what W learns, so that the two become each other.

    W[l] += -eta * delta[l] h[l-1]^T - decay * W[l]    (Akrout et al., equation 16)
    B[l] += -eta * h[l-1] delta[l]^T - decay * B[l]    (17), so B - W^T falls by (1 - decay)

    Kept is that gap, laid out as W: B = (W + gap)^T needs no update.

    Ours: Adam's step for -eta * .., the same for W and B; layer 1, which has no B, does not decay.

    Args:
      decay: Share of the weights W and B that a step takes away.
    """

    def __init__(self, network, objective, decay, name=None):
        super().__init__(network, objective, name=name)
        self.decay, self.decay_optimizer = decay, Decay()
        self.gap = feedback.gaps(network)
        self.decay_optimizer.build(self.decaying)

    @property
    def decaying(self):
        return [*(self.network.f[l].kernel for l in self.gap), *self.gap.values()]

    def deltas(self, a, h, y):
        f, L = self.network.f, self.depth
        delta = {L: self.output_delta(a, y)}
        for l in reversed(range(1, L)):
            error = f[l + 1].adjoint(delta[l + 1], f[l + 1].kernel + self.gap[l + 1])
            delta[l] = through(f[l].activation, a[l], error)
        return delta

    def updates(self, tape, a, h, y):
        deltas = self.deltas(a, h, y)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # Not before all have read W, or old and new weights would be in memory together
        with tf.control_dependencies([tf.group(*deltas.values())]):
            shares = [tf.constant(self.decay / replicas) for _ in self.decaying]
        forward = self.forward_update(tape, a, y, deltas)
        return [(self.decay_optimizer, shares, self.decaying), forward]

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}
