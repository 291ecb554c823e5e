"""Every learner as a Keras model: it learns, is saved with all its state, keeps float32 weights."""

import inspect
import math
import os

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized
from saving import saved_and_loaded

from tp_keras.learners import Learner, TargetLearner
from tp_keras.objectives import SoftmaxCrossEntropy
from tp_keras.optimizers import Adam


def slots(learner):
    """The variables of both optimizers."""
    inverse = getattr(learner, "inverse_optimizer", None)
    return learner.optimizer.variables + (inverse.variables if inverse else [])


def own_config(learner):
    """The rule's settings, without those of the network."""
    return {key: value for key, value in learner.get_config().items() if key != "network"}


class LearnerTest(tf.test.TestCase, parameterized.TestCase):
    def trained(self, name, network=None):
        learner = rules.compiled(name, network)
        for seed in range(2):
            learner.train_on_batch(*rules.batch(seed=seed))
        return learner

    def assert_same_weights(self, learner, loaded):
        self.assertEqual(len(learner.weights), len(loaded.weights))
        for weight, other in zip(learner.weights, loaded.weights, strict=True):
            self.assertAllEqual(weight, other, weight.path)

    def assert_same_next_step(self, learner, loaded):
        """Nothing that a step depends on was lost: slots, counters, settings, noise."""
        self.assert_same_weights(learner, loaded)
        for one in (learner, loaded):
            one.train_on_batch(*rules.batch(seed=5))
        self.assert_same_weights(learner, loaded)
        for slot, other in zip(slots(learner), slots(loaded), strict=True):
            self.assertAllEqual(slot, other, slot.path)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_a_keras_file_holds_weights_settings_and_optimizers(self, name):
        # One rule with local layers is enough: how a layer is saved does not depend on the rule
        learner = self.trained(name, None if name == "sdtp" else rules.dense_network())
        loaded = saved_and_loaded(self, learner)
        self.assertIs(type(loaded), type(learner))
        self.assertEqual(own_config(loaded), own_config(learner))
        self.assertEqual(loaded.get_compile_config(), learner.get_compile_config())
        x, _ = rules.batch()
        self.assertAllEqual(learner(x), loaded(x))
        self.assert_same_next_step(learner, loaded)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_weights_file_holds_the_state_of_both_optimizers(self, name):
        learner = self.trained(name, rules.dense_network())
        loaded = rules.compiled(name, rules.dense_network())
        path = os.path.join(self.get_temp_dir(), f"{name}.weights.h5")
        learner.save_weights(path)
        loaded.load_weights(path)
        self.assert_same_next_step(learner, loaded)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_lowers_the_loss_on_a_batch_in_a_graph(self, name):
        learner = rules.learner(name, rules.dense_network())
        optimizers = {"optimizer": Adam(0.01)}
        if name in rules.TARGET_RULES:
            optimizers["inverse_optimizer"] = Adam(0.01)
        learner.compile(**optimizers, steps_per_execution=20)
        x, y = rules.batch(5)
        data = tf.data.Dataset.from_tensors((x, y)).repeat()
        first = learner.evaluate(x, y, verbose=0)[0]
        learner.fit(data, steps_per_epoch=100, verbose=0)
        # TP's targets hold the errors of its inverses, and it learns least
        self.assertLess(learner.evaluate(x, y, verbose=0)[0], 0.7 * first)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_a_step_in_bfloat16_is_that_of_float32_but_for_rounding(self, name):
        steps = []
        for dtype in ("float32", "mixed_bfloat16"):
            keras.utils.set_random_seed(1)
            optimizers = (keras.optimizers.SGD(0.1) for _ in range(2))
            learner = rules.compiled(name, rules.local_network(dtype), *optimizers)
            before = [w.numpy() for w in learner.trainable_variables]
            learner.train_on_batch(*rules.batch())
            self.assertNotIn("bfloat16", {w.dtype for w in learner.weights})
            after = learner.trainable_variables
            steps.append([w - old for w, old in zip(after, before, strict=True)])
        for w, exact, rounded in zip(after, *steps, strict=True):
            # 8 bits; a target rule's errors are small differences of activations so rounded
            self.assertLessEqual(np.linalg.norm(rounded - exact), 0.2 * np.linalg.norm(exact))
            learns = name != "frozen" or any(w is one for one in learner.network.stack[-1].weights)
            self.assertEqual(bool(np.any(rounded)), learns, w.path)

    def test_gradients_are_means_over_the_batch(self):
        learner = rules.compiled("bp")
        x, y = rules.batch(4)
        whole = rules.forward_gradients(learner, x, y)
        each = [rules.forward_gradients(learner, x[i : i + 1], y[i : i + 1]) for i in range(4)]
        for total, parts in zip(whole, zip(*each, strict=True), strict=True):
            self.assertAllClose(total, np.mean(parts, 0), atol=1e-6)

    def test_reports_the_mean_loss_and_the_error_in_percent(self):
        learner = rules.compiled("bp")
        x, y = rules.batch(7)
        output = learner.predict(x, verbose=0)
        loss, error = learner.evaluate(x, y, batch_size=3, verbose=0)
        expected = np.mean(-np.log(output[y == 1]))
        self.assertAllClose(expected, loss, atol=1e-5)
        wrong = np.mean(output.argmax(-1) != y.argmax(-1))
        self.assertAllClose(100 * wrong, error, atol=1e-4)  # a number up to 100

    def test_arguments_of_another_kind_are_refused_by_name(self):
        network = rules.local_network(local=[])
        named = {"noise_stddev", "alpha", "beta", "feedback_limit", "decay", "rate", "seed"}
        named |= {"auxiliary_units", "inverse_activation", "inverse", "inverses", "reduction"}
        named |= {"feedback_storage", "exact_top"}
        for rule, given in rules.RULES.values():
            wrong = {"network": (None, 5, keras.Sequential()), "objective": ("mse", 5, Learner)}
            for name in named & inspect.signature(rule).parameters.keys():
                wrong[name] = ("x", math.nan, [1], 10**400 if name != "seed" else 1.5)
            for name, values in wrong.items():
                for value in values:
                    arguments = {"network": network, "objective": SoftmaxCrossEntropy(), **given}
                    with self.assertRaisesRegex(
                        ValueError, f"`{name}` must be .*received"
                    ) as found:
                        rule(**{**arguments, name: value})
                    self.assertLess(len(str(found.exception)), 300)

    def test_a_rule_without_errors_or_targets_is_not_implemented(self):
        arguments = rules.local_network(), SoftmaxCrossEntropy()
        with self.assertRaises(NotImplementedError):
            Learner(*arguments).errors(None, None)
        with self.assertRaises(NotImplementedError):
            TargetLearner(*arguments).targets(None, None)


class MixedPolicyTest(tf.test.TestCase):
    def test_global_policy_reaches_every_layer(self):
        self.addCleanup(keras.config.set_dtype_policy, keras.config.dtype_policy())
        keras.config.set_dtype_policy("mixed_bfloat16")
        learner = rules.compiled("ao-sdtp")
        layers = [*learner.network.stack, *learner.g.values(), learner.auxiliary]
        self.assertEqual({layer.compute_dtype for layer in layers}, {"bfloat16"})
        learner.train_on_batch(*rules.batch())
        self.assertEqual({w.dtype for w in learner.trainable_variables}, {"float32"})
