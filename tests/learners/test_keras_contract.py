"""A learner supports what Keras supports in any model, or refuses it."""

import pathlib

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized
from saving import saved_and_loaded

from tp_keras import Network, architectures, learners, objectives, schedules
from tp_keras.layers import Dense
from tp_keras.optimizers import Adam


def network(dtype=None):
    return architectures.build((5,), classes=3, dense=[6, 4], dtype=dtype)


def batch(size=6, seed=0):
    """Inputs and class numbers."""
    random = np.random.default_rng(seed)
    return random.normal(size=(size, 5)).astype("float32"), random.integers(0, 3, size)


def compiled(name="bp", net=None, loss="sparse_categorical_crossentropy", **options):
    rule, arguments = rules.RULES[name]
    arguments = {**arguments, "noise_stddev": 0.0} if "noise_stddev" in arguments else arguments
    learner = rule(net or network(), **arguments)
    if name in rules.TARGET_RULES:
        options.setdefault("inverse_optimizer", keras.optimizers.SGD(0.1))
    options = {"optimizer": keras.optimizers.SGD(0.1), "run_eagerly": True, **options}
    learner.compile(loss=loss, **options)
    return learner


def after_a_step(learner, start, *data, **weights):
    """The learner's weights after a step from the weights `start`."""
    learner.set_weights(start)
    learner.train_on_batch(*data, **weights)
    return learner.get_weights()


class LossTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("categorical_crossentropy", "mean_squared_error", "kl_divergence")
    def test_any_keras_loss_has_the_stock_gradient(self, loss):
        net = network()
        x, labels = batch()
        y = keras.utils.to_categorical(labels, 3)
        with tf.GradientTape() as tape:
            output = tf.constant(x)
            for f in net.stack:
                output = f(output)
            expected_loss = tf.reduce_mean(keras.losses.get(loss)(y, output))
        expected = tape.gradient(expected_loss, [w.value for w in net.trainable_variables])
        learner = compiled("bp", net, loss)
        before = [w.numpy() for w in net.trainable_variables]
        found = learner.train_on_batch(x, y)
        self.assertAllClose(expected_loss, found, atol=1e-6)
        for old, w, gradient in zip(before, net.trainable_variables, expected, strict=True):
            self.assertAllClose(gradient, (old - w.numpy()) / 0.1, atol=1e-5)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_a_keras_loss_moves_weights_as_the_objective_does(self, name):
        by_loss = compiled(name)
        rule, arguments = rules.RULES[name]
        arguments = {**arguments, "noise_stddev": 0.0} if name in rules.TARGET_RULES else arguments
        by_objective = rule(by_loss.network, objectives.SoftmaxCrossEntropy(), **arguments)
        options = {"inverse_optimizer": "sgd"} if name in rules.TARGET_RULES else {}
        by_objective.compile(keras.optimizers.SGD(0.1), **options, run_eagerly=True)
        for own in ("B", "g", "gap"):
            for l, one in getattr(by_loss, own, {}).items():
                other = getattr(by_objective, own)[l]
                if own == "gap":
                    other.assign(one)
                else:
                    other.set_weights(one.get_weights())
        if name == "ao-sdtp":
            by_objective.auxiliary.set_weights(by_loss.auxiliary.get_weights())
        x, y = batch()
        start, ends = by_loss.network.get_weights(), []
        for learner, labels in ((by_loss, y), (by_objective, keras.utils.to_categorical(y, 3))):
            learner.network.set_weights(start)
            learner.train_on_batch(x, labels)
            ends.append(learner.network.get_weights())
        for one, other in zip(*ends, strict=True):
            self.assertAllClose(one, other, atol=1e-6)

    def test_labels_of_every_form_are_the_same_labels(self):
        net, (x, y) = network(), batch()
        learner = learners.BP(net, objectives.SoftmaxCrossEntropy())
        learner.compile("sgd", run_eagerly=True)
        one_hot = keras.utils.to_categorical(y, 3)
        expected = learner.evaluate(x, one_hot, verbose=0)
        for labels in (y, y[:, None], y.astype("uint8"), y.astype("float32")[:, None]):
            self.assertAllClose(expected, learner.evaluate(x, labels, verbose=0))
        for labels in (one_hot[:, :2], np.zeros((6, 1, 3))):
            with self.assertRaisesRegex(ValueError, r"`y` must have the shape \(batch, 3\)"):
                learner.evaluate(x, labels, verbose=0)

    def test_a_function_of_any_name_is_a_loss(self):
        def _größe(y_true, y_pred):
            return tf.reduce_mean(tf.abs(y_true - y_pred), -1)

        x, y = batch()[0], np.ones((6, 3), "float32")
        net = network()
        start, found = net.get_weights(), []
        for loss in ("mean_absolute_error", _größe, lambda u, v: _größe(u, v)):
            net.set_weights(start)
            learner = learners.BP(net)
            learner.compile("sgd", loss)  # not eagerly: a graph has rules for names
            found.append(learner.train_on_batch(x, y))
        self.assertAllClose([found[0]] * 3, found, rtol=1e-6)

    def test_rules_that_need_a_target_refuse_losses_that_have_none(self):
        logits = Network([Dense(4, "tanh"), Dense(3)], (5,))
        from_logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        for name in ("tp", "sdtp", "ao-sdtp"):
            for loss, message in [
                ("hinge", "received hinge; DTP"),
                (from_logits, "end the network"),
            ]:
                with self.assertRaisesRegex(ValueError, message):
                    compiled(name, logits, loss)
        compiled("dtp", logits, from_logits)

    def test_a_loss_is_needed_once(self):
        with self.assertRaisesRegex(ValueError, "`loss` must be given to compile, or `objective`"):
            learners.BP(network()).compile("sgd")
        with self.assertRaisesRegex(ValueError, "`loss` must be left out"):
            learners.BP(network(), objectives.SoftmaxCrossEntropy()).compile("sgd", "mse")


class WeightsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_weight_2_is_the_example_twice_and_weight_0_leaves_it_out(self, name):
        learner = compiled(name)
        if name == "weight-mirror":
            learner.set_phases("forward")
        start, (x, y) = learner.get_weights(), batch(4)
        weight = np.array([2.0, 1.0, 1.0, 0.0])
        weighted = after_a_step(learner, start, x, y, sample_weight=weight)
        picked = [0, 0, 1, 2]
        repeated = after_a_step(learner, start, x[picked], y[picked])
        plain = after_a_step(learner, start, x, y)
        differ = []
        for one, other, third in zip(weighted, repeated, plain, strict=True):
            self.assertAllClose(one, other, atol=1e-6)
            differ.append(np.abs(other - third).max() > 1e-6)
        self.assertTrue(any(differ))

    def test_class_weights_are_the_examples_weights(self):
        learner, (x, y) = compiled(), batch()
        start, by_class = learner.get_weights(), {0: 0.5, 1: 2.0, 2: 1.0}
        learner.fit(x, y, class_weight=by_class, shuffle=False, verbose=0)
        found = learner.get_weights()
        weights = np.array([by_class[int(label)] for label in y])
        expected = after_a_step(learner, start, x, y, sample_weight=weights)
        for one, other in zip(expected, found, strict=True):
            self.assertAllClose(one, other, atol=1e-6)

    def test_evaluation_weighs_the_loss_and_weighted_metrics(self):
        learner, (x, y) = compiled(metrics=["accuracy"], weighted_metrics=["accuracy"]), batch()
        weights = np.array([1.0, 0, 0, 2, 0, 0])
        p = learner.predict(x, verbose=0)
        right = p.argmax(-1) == y
        found = learner.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
        losses = -np.log(p[np.arange(6), y])
        self.assertAllClose(np.sum(losses * weights) / 6, found["loss"], atol=1e-5)
        self.assertAllClose(right.mean(), found["accuracy"], atol=1e-5)
        self.assertAllClose(right @ weights / 3, found["weighted_accuracy"], atol=1e-5)

    def test_sample_weights_other_than_one_for_each_example_are_refused(self):
        with self.assertRaisesRegex(ValueError, "a number for each example"):
            compiled().train_on_batch(*batch(), sample_weight=np.ones((6, 3)))


class CompileTest(tf.test.TestCase, parameterized.TestCase):
    def test_names_and_objects_are_optimizers_one_each(self):
        for options in (
            {"optimizer": "adam", "inverse_optimizer": "adam"},
            {"optimizer": Adam(0.1), "inverse_optimizer": Adam(0.1)},
        ):
            learner = compiled("sdtp", **options)
            self.assertIsNot(learner.optimizer, learner.inverse_optimizer)
            self.assertLen(learner.optimizers, 2)
            learner.train_on_batch(*batch())
        learner = learners.SDTP(network(), objectives.SoftmaxCrossEntropy(), noise_stddev=0.1)
        learner.compile("adam", "adam")
        one = keras.optimizers.SGD()
        with self.assertRaisesRegex(ValueError, "must be two objects"):
            compiled("sdtp", optimizer=one, inverse_optimizer=one)
        with self.assertRaisesRegex(ValueError, "`inverse_optimizer` must be given"):
            learners.SDTP(network(), noise_stddev=0.1).compile("adam", "mse")

    @parameterized.parameters(0, -3, 2.5, "auto")
    def test_steps_per_execution_is_a_positive_integer(self, steps):
        with self.assertRaisesRegex(ValueError, "`steps_per_execution` must be a whole number"):
            compiled(steps_per_execution=steps)

    def test_many_steps_in_a_call_work_on_arrays_without_steps_per_epoch(self):
        learner, (x, y) = compiled(steps_per_execution=4, run_eagerly=False), batch(12)
        learner.fit(x, y, batch_size=2, validation_split=1 / 6, epochs=2, verbose=0)
        self.assertEqual(learner.optimizer.iterations.numpy(), 10)
        learner.train_on_batch(x, y)
        self.assertEqual(learner.optimizer.iterations.numpy(), 11)

    def test_phases_and_schedules_that_do_not_fit_are_refused(self):
        with self.assertRaisesRegex(ValueError, "BP has the phases forward, received 'inverse'"):
            compiled().set_phases("inverse")
        for schedule, name in [
            (schedules.Parallel, "bp"),
            (schedules.Mirror, "sdtp"),
            (schedules.Parallel, "weight-mirror"),
        ]:
            with self.assertRaisesRegex(ValueError, f"{schedule.__name__} is for rules with"):
                compiled(name).fit(*batch(), callbacks=[schedule()], verbose=0)

    def test_amsgrad_is_refused(self):
        with self.assertRaisesRegex(ValueError, "`amsgrad` must be False"):
            Adam(0.1, amsgrad=True)

    @parameterized.parameters("bp", "sdtp")
    def test_loss_scaling_does_not_change_the_step(self, name):
        net, (x, y) = network(), batch()
        learner = compiled(name, net)
        start = learner.get_weights()
        expected = after_a_step(learner, start, x, y)
        inner = {"optimizer": keras.optimizers.SGD(0.1)}
        if name == "sdtp":
            inner["inverse_optimizer"] = keras.optimizers.SGD(0.1)
        scaled = {k: keras.optimizers.LossScaleOptimizer(v) for k, v in inner.items()}
        factor = {k: keras.optimizers.SGD(0.1, loss_scale_factor=64.0) for k in inner}
        for optimizers in (scaled, factor):
            learner.compile(loss="sparse_categorical_crossentropy", run_eagerly=True, **optimizers)
            found = after_a_step(learner, start, x, y)
            for one, other in zip(expected, found, strict=True):
                self.assertAllClose(one, other, atol=1e-5)

    def test_float16_scales_losses_by_itself(self):
        keras.utils.set_random_seed(1)  # how much is rounded away grows with the weights
        learner, exact = compiled("sdtp", network("mixed_float16")), compiled("sdtp")
        for optimizer in learner.optimizers:
            self.assertIsInstance(optimizer, keras.optimizers.LossScaleOptimizer)
        start = exact.get_weights()
        expected = after_a_step(exact, start, *batch())
        for one, other in zip(expected, after_a_step(learner, start, *batch()), strict=True):
            self.assertAllClose(one, other, atol=2e-3)  # 11 bits of mantissa

    def test_a_model_cut_under_another_policy_scales_losses_too(self):
        dense = [keras.layers.Dense(units, dtype="mixed_float16") for units in (5, 3)]
        cut = Network.of(keras.Sequential([keras.Input((4,)), *dense]))
        learner = learners.DFA(cut, seed=0)
        learner.compile("sgd", "mse")
        self.assertIsInstance(learner.optimizer, keras.optimizers.LossScaleOptimizer)


class ModelTest(tf.test.TestCase, parameterized.TestCase):
    def test_an_uncompiled_learner_is_saved_and_cloned(self):
        learner = learners.SDTP(network(), noise_stddev=0.1)
        x, _ = batch()
        loaded = saved_and_loaded(self, learner)
        self.assertAllEqual(learner.predict(x, verbose=0), loaded.predict(x, verbose=0))
        self.assertIs(type(keras.models.clone_model(learner)), learners.SDTP)

    def test_loss_and_metrics_are_saved(self):
        learner = compiled("sdtp", metrics=["accuracy"])
        learner.train_on_batch(*batch())
        loaded = saved_and_loaded(self, learner)
        expected = learner.evaluate(*batch(), verbose=0, return_dict=True)
        self.assertAllClose(expected, loaded.evaluate(*batch(), verbose=0, return_dict=True))

    def test_an_export_serves_the_same_predictions(self):
        x, _ = batch()
        learner = compiled("dtp")
        path = str(pathlib.Path(self.get_temp_dir()) / "exported")
        learner.export(path, verbose=False)
        served = tf.saved_model.load(path)
        self.assertAllClose(learner.predict(x, verbose=0), served.serve(x), atol=1e-6)

    def test_the_summary_shows_every_shape(self):
        lines = []
        for model in (compiled("sdtp"), network()):
            model.summary(print_fn=lambda line, **_: lines.append(line))
        self.assertNotIn("?", "".join(lines))
        self.assertIn("(None, 3)", "".join(lines))

    def test_evaluation_does_not_report_the_inverse_loss(self):
        learner = compiled("sdtp")
        self.assertNotIn("inverse_loss", learner.test_on_batch(*batch(), return_dict=True))
        self.assertIn("inverse_loss", learner.train_on_batch(*batch(), return_dict=True))

    def test_early_stopping_knows_that_errors_fall(self):
        learner = learners.BP(network(), objectives.SoftmaxCrossEntropy())
        learner.compile("sgd", run_eagerly=True)
        stop = keras.callbacks.EarlyStopping(monitor="val_error")
        learner.fit(*batch(), validation_data=batch(), callbacks=[stop], verbose=0)
        self.assertIs(stop.monitor_op, keras.ops.less)

    def test_unbatched_data_is_refused(self):
        data = tf.data.Dataset.from_tensor_slices(batch())
        with self.assertRaisesRegex(ValueError, "`x` must have the shape"):
            compiled().fit(data, verbose=0)

    def test_rule_names_are_those_of_the_table(self):
        names = {name: rule.rule_name for name, (rule, _) in rules.RULES.items()}
        self.assertEqual(names, {name: name.replace("-", "_") for name in rules.RULES})
