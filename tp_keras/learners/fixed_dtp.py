"""Fixed-weight difference target propagation (FW-DTP), Shibuya et al. (2023)."""

import tensorflow as tf

from tp_keras import feedback
from tp_keras.learners.learner import Learner
from tp_keras.learners.rule import rule
from tp_keras.scalars import real


@rule("fixed_dtp")
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

    def __init__(self, network, objective=None, beta=None, feedback_limit=None, name=None):
        super().__init__(network, objective, name=name)
        self.beta = real("`beta`", beta, 0)
        self.feedback_limit = real("`feedback_limit`", feedback_limit, 0)
        self.g = feedback.fixed_inverses(network, feedback_limit)

    def errors(self, record, y):
        g, L = self.g, self.depth
        h, step = {**record.h, L: record.a[L]}, {}  # target = h + step
        step[L] = -self.beta * self.example_error(record, y)
        for l in reversed(range(1, L)):
            step[l] = tanh_difference(g[l + 1].linear(h[l + 1]), g[l + 1].linear(step[l + 1]))
        return {l: record.scaled(-2.0 * step[l]) for l in step}

    def get_config(self):
        names = ("beta", "feedback_limit")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def tanh_difference(x, step):
    """tanh(x + step) - tanh(x), exact for steps so small that the two would round alike."""
    return tf.tanh(step) * (1.0 - tf.tanh(x) * tf.tanh(x + step))
