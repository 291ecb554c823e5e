"""Frozen hidden layers."""

import rules
import tensorflow as tf

from tp_keras import learners, objectives
from tp_keras.optimizers import Adam


class FrozenTest(tf.test.TestCase):
    def test_hidden_weights_do_not_move_and_the_output_learns_as_under_bp(self):
        network = rules.local_network()
        x, y = rules.batch()
        frozen = learners.Frozen(network, objectives.SoftmaxCrossEntropy())
        expected = rules.forward_gradients(rules.compiled("bp", network), x, y)[-2:]
        frozen.compile(Adam(0.1), run_eagerly=True)
        for old, new in zip(expected, rules.forward_gradients(frozen, x, y)[-2:], strict=True):
            self.assertAllEqual(old, new)
        before = [weight.numpy() for weight in network.trainable_variables]
        for _ in range(3):
            frozen.train_on_batch(x, y)
        after = [weight.numpy() for weight in network.trainable_variables]
        for old, new in zip(before[:-2], after[:-2], strict=True):
            self.assertAllEqual(old, new)
        self.assertNotAllClose(before[-2], after[-2])


if __name__ == "__main__":
    tf.test.main()
