"""Target propagation with inverses that are known exactly."""

import types

import rules
import tensorflow as tf

from tp_keras import learners


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
        dh = -self.y / self.h[4]  # dL / dh[L]
        rule = types.SimpleNamespace(g=self.g, depth=4, output_target=lambda y: dh)
        target = learners.TP.targets(rule, self.record, self.y)
        for l in range(1, 4):
            self.assertAllClose(self.bp_error[l], target[l], rtol=1e-9, atol=1e-12)

    def test_dtp_with_transposed_jacobians_is_bp_times_two_alpha(self):
        rule = rules.learner("dtp", self.network, alpha=0.15)
        rule.g = self.g
        errors = rule.errors(self.record, tf.constant(self.y))
        for l in range(1, 4):
            self.assertAllClose(2 * 0.15 * self.bp_error[l], errors[l], rtol=1e-9, atol=1e-12)

    def test_exact_inverse_gives_every_layer_the_activations_of_the_label(self):
        """Where g undoes f, a target is the activation that would have given the label."""
        steps = {l: float(l) for l in range(2, 5)}
        g = {l: (lambda v, s=step: v - s) for l, step in steps.items()}  # f[l] adds l
        for rule in (learners.TP, learners.SDTP):
            stand_in = types.SimpleNamespace(g=g, depth=4, output_target=lambda y: y)
            stand_in.descend = lambda *given, self=stand_in: learners.SDTP.descend(self, *given)
            h = {1: tf.constant(0.5)}
            for l in range(2, 5):
                h[l] = h[l - 1] + steps[l]
            record = types.SimpleNamespace(h=h)
            target = rule.targets(stand_in, record, tf.constant(7.0))
            self.assertAllClose({1: -2.0, 2: 0.0, 3: 3.0, 4: 7.0}, target)
