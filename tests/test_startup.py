"""The settings of TensorFlow that importing the package makes."""

import rules
import tensorflow as tf

from tp_keras.optimizers import Adam


class PrecisionTest(tf.test.TestCase):
    def test_float32_products_are_not_rounded_to_tf32_on_a_gpu(self):
        self.assertFalse(tf.config.experimental.tensor_float_32_execution_enabled())


class OrderOfUpdatesTest(tf.test.TestCase):
    def test_the_pass_that_loses_control_edges_is_off(self):
        self.assertFalse(tf.config.optimizer.get_experimental_options()["dependency_optimization"])

    def test_errors_are_of_the_weights_before_the_step(self):
        # With that pass, on a busy machine, some of these graphs read a weight after its update
        learner = rules.learner("bp", rules.dense_network())
        learner.compile(Adam(0.01))
        x, y = map(tf.constant, rules.batch())
        state = [*learner.network.weights, *learner.optimizer.variables]
        before = [variable.numpy().copy() for variable in state]

        def bias_after(step):
            for variable, value in zip(state, before, strict=True):
                variable.assign(value)
            step((x, y))
            return learner.network.f[1].bias.numpy().copy()

        expected = bias_after(learner.train_step)  # eagerly
        for _ in range(20):
            in_graph = tf.function(learner.train_step, autograph=False)
            for _ in range(3):
                self.assertAllClose(expected, bias_after(in_graph), atol=1e-5)
