"""Target propagation with inverses that are known exactly."""

import numpy as np
import rules
import tensorflow as tf

from tp_keras import Network, learners, objectives
from tp_keras.layers import Dense


def transposed_jacobian(f, h):
    """v -> (d f(h) / d h)^T v, at the given activations."""

    def inverse(v):
        with tf.GradientTape() as tape:
            tape.watch(h)
            out = f(h)
        return tape.gradient(out, h, output_gradients=v)

    return inverse


class TPTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.network = rules.local_network("float64")
        self.x, self.y = rules.batch(dtype="float64")
        self.record = rules.record(self.network, self.x)
        self.h = self.record.h
        f, h = self.network.f, self.h
        self.g = {l: transposed_jacobian(f[l], h[l - 1]) for l in range(2, 5)}
        # dL / dh[l], and dL / da[L]
        self.bp_error = rules.learner("bp", self.network).errors(self.record, self.y)

    def test_with_transposed_jacobians_is_bp(self):
        """Appendix 5.6: the targets are then the gradients with respect to h[l]."""
        rule = rules.learner("tp", self.network)
        rule.g, rule.output_target = self.g, lambda y: -y / self.h[4]  # dL / dh[L]
        target = rule.targets(self.record, self.y)
        for l in range(1, 4):
            self.assertAllClose(self.bp_error[l], target[l], rtol=1e-9, atol=1e-12)

    def test_dtp_with_transposed_jacobians_is_bp_times_two_alpha(self):
        rule = rules.learner("dtp", self.network, alpha=0.15)
        rule.g = self.g
        errors = rule.errors(self.record, tf.constant(self.y))
        for l in range(1, 4):
            self.assertAllClose(2 * 0.15 * self.bp_error[l], errors[l], rtol=1e-9, atol=1e-12)

    def test_with_exact_inverses_a_target_is_the_activation_that_gives_the_label(self):
        layers = [Dense(4, activation, dtype="float64") for activation in ("tanh", None, None)]
        network = Network(layers, (4,))
        x, y = np.random.default_rng(0).normal(size=(2, 6, 4))
        for rule in (learners.TP, learners.SDTP):
            learner = rule(network, objectives.SquaredError(), noise_stddev=0.1)
            learner.g = {l: exact_inverse(network.f[l]) for l in (2, 3)}
            target = learner.targets(network.record(x), tf.constant(y))
            for l in (1, 2):
                self.assertAllClose(y, network.output_from(l, target[l]), rtol=1e-9, atol=1e-9)


def exact_inverse(f):
    """The inverse of a linear dense layer with as many outputs as inputs."""
    return lambda v: tf.matmul(v - f.bias, np.linalg.inv(f.kernel))
