"""Fixed-weight difference target propagation."""

import rules
import tensorflow as tf

from tp_keras import learners, objectives
from tp_keras.optimizers import Adam


class FixedDTPTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.network = rules.local_network()
        self.fixed = learners.FixedDTP(self.network, objectives.SoftmaxCrossEntropy(), alpha=0.15)

    def test_errors_are_those_of_dtp_with_the_same_inverses(self):
        dtp = rules.learner("dtp", self.network, alpha=0.15)
        dtp.g = self.fixed.g
        x, y = rules.batch()
        a, h = self.network.activations(tf.constant(x))
        expected, found = dtp.deltas(a, h, y), self.fixed.deltas(a, h, y)
        self.assertEqual(expected.keys(), found.keys())
        for l, delta in expected.items():
            self.assertAllClose(delta, found[l], atol=1e-6)

    def test_inverses_do_not_move(self):
        self.fixed.compile(Adam(0.1), run_eagerly=True)
        weights = [weight for g in self.fixed.g.values() for weight in g.weights]
        before = [weight.numpy() for weight in weights]
        first = self.network.f[1].kernel.numpy()
        self.fixed.train_on_batch(*rules.batch())
        for old, weight in zip(before, weights, strict=True):
            self.assertAllEqual(old, weight)
        self.assertNotAllClose(first, self.network.f[1].kernel)


if __name__ == "__main__":
    tf.test.main()
