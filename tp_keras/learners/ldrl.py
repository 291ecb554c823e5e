"""DTP with the local difference reconstruction loss (L-DRL), Ernoult et al. (2022)."""

import tensorflow as tf

from tp_keras import keys
from tp_keras.learners.dtp import DTP
from tp_keras.learners.inverse_learner import squared_norm
from tp_keras.learners.rule import rule
from tp_keras.noise import normal_like


@rule("ldrl")
class LDRL(DTP):
    """DTP whose inverses learn the transposed Jacobians of their layers, not the inverses.

    loss[l] = -2 <x, g(f(h + x)) - g(f(h))> + ||g(f(h) + z) - g(f(h))||^2

    with h = h[l-1] and noise x, z of one deviation; its minimum is J_g = J_f^T, where small
    targets carry BP's errors down. Ernoult et al. learn g[L] as well and take many feedback steps
    for each batch; here the topmost target is DTP's, and each batch one step of the inverses.
    """

    def inverse_losses(self, h):
        losses, (x, z) = {}, self.noises(h)
        for l, g in self.g.items():
            rebuilt, noisy = g(h[l]), tf.stop_gradient(self.forward(l, h[l - 1] + x[l]))
            gain = inner(x[l], g(noisy) - rebuilt)
            loss = squared_norm(g(h[l] + z[l]) - rebuilt) - 2.0 * gain
            losses[l] = self.per_unit(loss, h[l - 1])
        return losses

    def noises(self, h):
        """Gaussian noise for the input and for the output of every inverted layer."""
        key = keys.key(self.seed, "noise", self.inverse_optimizer.iterations.value)
        inputs, outputs = [h[l - 1] for l in self.g], [h[l] for l in self.g]
        draws = iter(normal_like(inputs + outputs, key, self.noise_stddev))
        return [{l: next(draws) for l in self.g} for _ in (inputs, outputs)]


def inner(x, y):
    """<x, y> of each example, summed over units, `(batch,)`."""
    return tf.reduce_sum(tf.reshape(x * y, (tf.shape(x)[0], -1)), -1)
