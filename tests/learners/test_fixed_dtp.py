"""Fixed-weight difference target propagation."""

import numpy as np
import rules
import tensorflow as tf

from tp_keras import learners, objectives
from tp_keras.optimizers import Adam


class FixedDTPTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.network = rules.local_network()

    def rule(self, beta=0.3, feedback_limit=0.5):
        objective = objectives.SoftmaxCrossEntropy()
        return learners.FixedDTP(self.network, objective, beta, feedback_limit)

    def test_errors_are_distances_to_the_published_targets(self):
        """Targets written as Shibuya et al. write them, in float64 where a difference is exact."""
        self.network = rules.local_network("float64")
        fixed, L = self.rule(), self.network.depth
        x, y = map(tf.constant, rules.batch(dtype="float64"))
        record = rules.record(self.network, x)
        h = {**record.h, L: record.a[L]}  # their last layer is linear: softmax is of the loss
        target = {L: h[L] - 0.3 * (tf.nn.softmax(h[L]) - y)}
        for l in range(L - 1, 0, -1):
            read = [h[l + 1], target[l + 1]]
            rebuilt, wanted = (tf.tanh(self.transposed(fixed.g[l + 1], l + 1, r)) for r in read)
            target[l] = h[l] + wanted - rebuilt
        found = fixed.errors(record, y)
        self.assertEqual(sorted(found), list(range(1, L + 1)))
        for l, error in found.items():
            self.assertAllClose(2.0 * (h[l] - target[l]), error, atol=1e-12)

    def transposed(self, g, l, y):
        """V y by the gradient of the layer that g belongs to, its kernel being g's."""
        f = self.network.f[l]
        kernel = tf.linalg.matrix_transpose(g.kernel)
        x = tf.zeros((len(y), *f.in_shape), y.dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            product = f.linear(x, tf.convert_to_tensor(kernel))
        return tape.gradient(product, x, output_gradients=y)

    def test_errors_below_the_rounding_of_activations_are_exact(self):
        """As the authors scale it the lowest layer's is 1e-9, below the rounding of activations."""
        fixed = self.rule(beta=1e-3, feedback_limit=1e-3)
        x, y = map(tf.constant, rules.batch())
        found = fixed.errors(rules.record(self.network, x), y)
        exact = rules.local_network("float64")
        exact.set_weights(self.network.get_weights())
        precise = learners.FixedDTP(exact, objectives.SoftmaxCrossEntropy(), 1e-3, 1e-3)
        for l, g in precise.g.items():
            g.set_weights(fixed.g[l].get_weights())
        record = rules.record(exact, tf.cast(x, tf.float64))
        self.assertLess(np.abs(found[1]).max(), 1e-8)
        for l, delta in precise.errors(record, tf.cast(y, tf.float64)).items():
            self.assertAllClose(delta, found[l], rtol=1e-3, atol=1e-4 * np.abs(delta).max())

    def test_inverses_are_uniform_without_bias_and_do_not_move(self):
        fixed = self.rule(feedback_limit=0.01)
        fixed.compile(Adam(0.1), run_eagerly=True)
        self.assertEqual(sorted(fixed.g), [2, 3, 4])
        weights = [weight for g in fixed.g.values() for weight in g.weights]
        self.assertLen(weights, 3)
        before = [weight.numpy() for weight in weights]
        for kernel in before:
            self.assertAllInRange(kernel, -0.01, 0.01)
            self.assertGreater(np.abs(kernel).max(), 0.009)
            self.assertBetween(kernel.std(), 0.8 * 0.01 / 3**0.5, 1.2 * 0.01 / 3**0.5)
        first = self.network.f[1].kernel.numpy()
        fixed.train_on_batch(*rules.batch())
        for old, weight in zip(before, weights, strict=True):
            self.assertAllEqual(old, weight)
        self.assertNotAllClose(first, self.network.f[1].kernel)


if __name__ == "__main__":
    tf.test.main()
