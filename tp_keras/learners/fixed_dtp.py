"""Fixed-weight difference target propagation (FW-DTP), Shibuya et al. (2023)."""

import gin
import keras
import tensorflow as tf

from tp_keras import feedback
from tp_keras.learners.learner import Learner, through


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class FixedDTP(Learner):
    """DTP whose inverses keep their initial weights; the authors' variant without batch norm.

    target[L] = a[L] - beta * delta[L]
    target[l] = h[l] + g[l+1](target[l+1]) - g[l+1](h[l+1]),  g[l](h) = tanh(V[l] h)

    The authors' last layer is linear and the softmax part of the loss: their h[L] is a[L] here,
    which g[L] reads, and delta[L] is the loss's gradient there. All layers, the last as well,
    descend ||h[l] - target[l]||^2. Ours: biases in the forward layers, and Adam for SGD.

    Args:
      beta: Size of the step that the output's target is down each example's gradient.
      feedback_limit: The weights V are drawn between plus and minus this.
    """

    def __init__(self, network, objective, beta, feedback_limit, name=None):
        super().__init__(network, objective, name=name)
        self.beta, self.feedback_limit = beta, feedback_limit
        self.g = feedback.fixed_inverses(network, feedback_limit)

    def deltas(self, a, h, y):
        f, g, L = self.network.f, self.g, self.depth
        h, step = {**h, L: a[L]}, {L: -self.beta * self.output_delta(a, y)}  # target = h + step
        delta = {L: -2.0 * step[L]}
        for l in reversed(range(1, L)):
            step[l] = tanh_difference(g[l + 1].linear(h[l + 1]), g[l + 1].linear(step[l + 1]))
            delta[l] = through(f[l].activation, a[l], -2.0 * step[l])
        return delta

    def get_config(self):
        names = ("beta", "feedback_limit")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def tanh_difference(x, step):
    """tanh(x + step) - tanh(x), exact for steps so small that the two would round alike."""
    return tf.tanh(step) * (1.0 - tf.tanh(x) * tf.tanh(x + step))
