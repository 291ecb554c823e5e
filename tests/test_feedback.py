"""Feedback weights and inverses of a network."""

import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import feedback


class FeedbackTest(tf.test.TestCase, parameterized.TestCase):
    # The kernels of g[2..4] on h[1] 4x3x3, h[2] 2x2x4, h[3] 6, h[4] 5. Local: (P, patch, filters);
    # dense: (outputs, inputs) of the layer
    @parameterized.parameters(
        ("paired", [(4, 16 // 4 * 3, 4), (6, 16), (5, 6)]),
        ("wide", [(4, 4 * 4 * 3, 4), (6, 16), (5, 6)]),
        ("dense", [(16, 36), (6, 16), (5, 6)]),
    )
    def test_inverses_come_in_three_forms(self, form, kernels):
        network = rules.local_network()
        g = feedback.inverses(network, "tanh", form)
        self.assertEqual([tuple(g[l].kernel.shape) for l in (2, 3, 4)], kernels)
        for l, inverse in g.items():
            f = network.f[l]
            rebuilt = inverse(tf.ones((2, *f.out_shape)))
            self.assertEqual(rebuilt.shape, (2, *f.in_shape))
            self.assertEqual(len(inverse.trainable_variables), 2)

    @parameterized.parameters("paired", "wide", "dense")
    def test_every_form_learns(self, form):
        learner = rules.compiled("sdtp", inverse=form)
        before = [w.numpy() for w in learner.trainable_variables]
        learner.train_on_batch(*rules.batch())
        for weight, old in zip(learner.trainable_variables, before, strict=True):
            self.assertNotAllEqual(old, weight, weight.path)

    def test_top_inverse_reads_the_auxiliary_units_too(self):
        g = feedback.inverses(rules.local_network(), "tanh", auxiliary_units=9)
        self.assertEqual(g[4].kernel.shape, (5 + 9, 6))
        self.assertEqual(g[3].kernel.shape, (6, 16))

    def test_inverse_activation_is_the_one_asked_for(self):
        for name in ("tanh", "linear"):
            g = feedback.inverses(rules.local_network(), name)
            self.assertEqual({inverse.activation.__name__ for inverse in g.values()}, {name})

    def test_feedback_is_linear(self):
        network = rules.local_network()
        for paths in (feedback.random(network), feedback.direct(network)):
            for B in paths.values():
                self.assertEqual(B.activation.__name__, "linear")
                self.assertIsNone(B.bias)
                self.assertEqual(B.trainable_variables, [])

    def test_unknown_form_is_refused(self):
        message = "`inverse` must be one of paired, wide, dense, received 'narrow'"
        with self.assertRaisesRegex(ValueError, message):
            feedback.inverses(rules.local_network(), "tanh", "narrow")
