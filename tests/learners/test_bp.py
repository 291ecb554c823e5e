"""Backpropagation."""

import rules
import tensorflow as tf
from absl.testing import parameterized


class BPTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_is_automatic_differentiation(self, shared_weights):
        network = rules.local_network("float64", shared_weights=shared_weights)
        learner = rules.compiled("bp", network)
        x, y = rules.batch(dtype="float64")
        weights = [w.value for w in network.trainable_variables]
        with tf.GradientTape() as tape:
            output = tf.constant(x)
            for f in network.stack:  # no gradient is stopped here
                output = f(output)
            loss = tf.reduce_mean(-tf.reduce_sum(y * tf.math.log(output), -1))
        expected = tape.gradient(loss, weights)
        found = rules.forward_gradients(learner, x, y)
        self.assertAllClose(expected, found, rtol=1e-9, atol=1e-12)
