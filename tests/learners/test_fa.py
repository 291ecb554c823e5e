"""Feedback alignment."""

import rules
import tensorflow as tf


class FATest(tf.test.TestCase):
    def test_with_tied_weights_is_bp(self):
        network = rules.local_network("float64")
        fa, bp = rules.compiled("fa", network), rules.compiled("bp", network)
        x, y = rules.batch(dtype="float64")
        expected = rules.forward_gradients(bp, x, y)
        self.assertNotAllClose(expected[0], rules.forward_gradients(fa, x, y)[0])
        for l, B in fa.B.items():
            B.tie(network.f[l])
        found = rules.forward_gradients(fa, x, y)
        self.assertAllClose(expected, found, rtol=1e-9, atol=1e-12)

    def test_feedback_has_no_bias_and_the_wiring_of_its_layer(self):
        fa = rules.learner("fa")
        self.assertEqual(sorted(fa.B), [2, 3, 4])
        for l, B in fa.B.items():
            f = fa.network.f[l]
            self.assertEqual(B.kernel.shape, f.backward_kernel_shape)
            self.assertEqual(len(B.weights), 1)
            self.assertEqual(B.trainable_variables, [])
