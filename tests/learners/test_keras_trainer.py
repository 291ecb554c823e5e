"""What `DistributedFit` corrects in Keras' `fit`: a training step for each batch, and no other."""

import keras
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.learners.keras_trainer import DistributedFit


def batches(number, size=3):
    """Batches whose number TensorFlow does not know beforehand."""
    x, y = rules.batch(number * size - 1)  # the last one lacks an example
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size).filter(lambda x, y: True)


class DistributedFitTest(tf.test.TestCase, parameterized.TestCase):
    def compiled(self, steps_per_execution=1):
        learner = rules.learner("bp", rules.dense_network())
        learner.compile(keras.optimizers.SGD(0.01), steps_per_execution=steps_per_execution)
        return learner

    def test_no_step_follows_the_last_batch_where_the_length_is_unknown(self):
        learner = self.compiled()
        learner.fit(batches(4), epochs=2, verbose=0)
        self.assertEqual(learner.optimizer.iterations.numpy(), 8)
        self.assertEqual(learner.loss_metric.count.numpy(), 11)

    @parameterized.parameters(1, 3, 10)
    def test_evaluation_counts_every_example(self, steps_per_execution):
        learner = self.compiled(steps_per_execution)
        loss, error = learner.evaluate(batches(4), verbose=0)
        self.assertEqual(learner.loss_metric.count.numpy(), 11)
        x, y = rules.batch(11)
        output, _, _ = learner.network.outputs(tf.constant(x))
        objective = learner.objective
        self.assertAllClose(tf.reduce_mean(objective.loss(output, y)), loss, atol=1e-5)
        self.assertAllClose(tf.reduce_mean(objective.error(output, y)), error, atol=1e-4)

    def test_many_steps_need_to_know_how_many(self):
        with self.assertRaisesRegex(ValueError, "`steps_per_epoch` must be given"):
            self.compiled(4).fit(batches(4), verbose=0)

    def test_the_last_call_takes_the_steps_that_are_left(self):
        learner = self.compiled(4)
        learner.fit(batches(6).take(5).repeat(), steps_per_epoch=6, epochs=2, verbose=0)
        self.assertEqual(learner.optimizer.iterations.numpy(), 12)
        self.assertEqual(learner.loss_metric.count.numpy(), 18)

    def test_keras_still_has_what_we_override(self):
        for name in ("_maybe_symbolic_build", "make_train_function", "make_test_function"):
            self.assertTrue(hasattr(keras.Model, name), name)
            self.assertIn(name, vars(DistributedFit))


if __name__ == "__main__":
    tf.test.main()
