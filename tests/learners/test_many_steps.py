"""Many training steps in one call are the same steps."""

import keras
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.optimizers import Adam


class ManyStepsTest(tf.test.TestCase, parameterized.TestCase):
    def trained(self, steps, epoch_length):
        keras.utils.set_random_seed(0)
        learner = rules.learner("bp", rules.dense_network())
        learner.compile(Adam(0.01), steps_per_execution=steps)
        data = tf.data.Dataset.from_tensor_slices(rules.batch(28)).batch(4).repeat()
        history = learner.fit(data, steps_per_epoch=epoch_length, epochs=2, verbose=0).history
        return learner, history

    @parameterized.parameters(7, 6, 3, 2)
    def test_an_epoch_of_any_length_is_the_same_in_calls_of_three_steps(self, epoch_length):
        one, one_by_one = self.trained(1, epoch_length)
        many, at_once = self.trained(3, epoch_length)
        self.assertEqual(many.optimizer.iterations.numpy(), 2 * epoch_length)
        self.assertAllClose(one_by_one, at_once)
        for weight, other in zip(one.get_weights(), many.get_weights(), strict=True):
            self.assertAllClose(weight, other, atol=1e-6)
