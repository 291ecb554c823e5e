"""N replicas do what one does, and no example is lost or seen twice."""

import json
import os
from unittest import mock

import keras
import numpy as np
import pytest
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import Network, keys, learners, schedules
from tp_keras.data.arrays import ArrayDataset
from tp_keras.distribution import strategy as strategies
from tp_keras.distribution.input import distribute_dataset
from tp_keras.noise import normal_like
from tp_keras.objectives import SoftmaxCrossEntropy

EPOCHS, STEPS, BATCH, TEST = 2, 10, 6, 13  # the last test batch holds one example: 0 and 1


def numbered(examples):
    """Images of one pixel that carry their number, as a dataset of ours."""
    images = np.arange(examples, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return images, np.arange(examples) % 5


def dataset(train, test, batch_size=BATCH, **changes):
    fields = {"mean": np.float32(0), "deviation": np.float32(1), "validation": None, "seed": 3}
    fields |= {"input_shape": train[0].shape[1:], "classes": 5, "name": "numbered"}
    fields |= {"train_examples": len(train[1])}
    return ArrayDataset(train=train, test=test, batch_size=batch_size, **{**fields, **changes})


def pictures():
    random = np.random.default_rng(0)
    parts = [
        (random.integers(0, 3, (n, 5, 4, 2), np.uint8), random.integers(0, 5, n))
        for n in (BATCH * STEPS + 1, TEST)
    ]
    return dataset(*parts)


def exact(batches):
    """The batches in float64, in which a rule cannot magnify rounding until it is seen."""
    return lambda shard: batches(shard=shard).map(
        lambda x, y: (tf.cast(x, tf.float64), tf.cast(y, tf.float64))
    )


class ReplicasTest(tf.test.TestCase, parameterized.TestCase):
    def trained(self, devices, name, schedule, steps_per_execution, **layers):
        """Learner and history after 20 steps of SGD, under which no error of scale hides."""
        strategy, data = strategies.create("auto", devices), pictures()
        keras.utils.set_random_seed(1)
        rule, arguments = rules.RULES[name]
        with strategy.scope():
            network = rules.architectures.build((5, 4, 2), classes=5, dtype="float64", **layers)
            learner = rule(network, SoftmaxCrossEntropy(), **arguments)
            optimizers = {"optimizer": keras.optimizers.SGD(0.02)}
            if name in rules.TARGET_RULES:
                optimizers["inverse_optimizer"] = keras.optimizers.SGD(0.005)
            learner.compile(**optimizers, steps_per_execution=steps_per_execution)
        history = learner.fit(
            distribute_dataset(strategy, exact(data.training_batches)),
            steps_per_epoch=STEPS,
            epochs=EPOCHS,
            validation_data=distribute_dataset(strategy, exact(data.test_batches)),
            callbacks=[schedule()] if schedule else [],
            shuffle=False,
            verbose=0,
        ).history
        return learner, history

    def assert_two_are_one(self, *options, local=((3, 3, 2),), dense=(4,)):
        (one, history), (two, other) = (
            self.trained(devices, *options, local=local, dense=dense) for devices in (1, 2)
        )
        self.assertEqual(two.distribute_strategy.num_replicas_in_sync, 2)
        for weight, twin in zip(one.weights, two.weights, strict=True):
            self.assertAllClose(weight, twin, rtol=0, atol=1e-9, msg=weight.path)
        for metric, values in history.items():
            self.assertAllClose(values, other[metric], rtol=1e-5, atol=1e-5, msg=metric)
        for learner in (one, two):  # the last thing measured was the test set
            count = learner.loss_metric.count.numpy()
            self.assertEqual(count, TEST)

    # The number of steps in one call has nothing to do with the rule: not all pairs are tried

    @parameterized.parameters(("bp", 1), ("kolen-pollack", 10))
    def test_two_replicas_are_one(self, name, steps):
        self.assert_two_are_one(name, None, steps)

    def test_two_replicas_are_one_in_turns(self):
        # Dense layers, for there are four steps to trace: local ones are tried above
        self.assert_two_are_one("sdtp", schedules.Alternating, 10, local=(), dense=(4, 3))

    @parameterized.parameters(*rules.RULES)
    @pytest.mark.slow
    def test_two_replicas_are_one_by_every_rule(self, name):
        schedule = schedules.Parallel if name in rules.TARGET_RULES else None
        self.assert_two_are_one(name, schedule, 10)

    @parameterized.parameters(*rules.TARGET_RULES)
    @pytest.mark.slow
    def test_two_replicas_are_one_in_turns_by_every_rule(self, name):
        self.assert_two_are_one(name, schedules.Alternating, 1)


class BlocksOnReplicasTest(tf.test.TestCase):
    def trained(self, devices):
        """A residual network in stock layers, by DTP and a Keras loss; no batch statistics."""
        strategy = strategies.create("auto", devices)
        keras.utils.set_random_seed(1)
        with strategy.scope():
            inputs = keras.Input((5, 4, 2))
            x = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(inputs)
            x = keras.layers.Add()([x, keras.layers.Conv2D(3, 3, padding="same")(x)])
            x = keras.layers.GlobalAveragePooling2D()(x)
            model = keras.Model(inputs, keras.layers.Dense(5, "softmax")(x))
            learner = learners.DTP(Network.of(model), noise_stddev=0.1, alpha=0.1)
            learner.compile(
                keras.optimizers.SGD(0.05),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
                inverse_optimizer=keras.optimizers.SGD(0.01),
                steps_per_execution=2,
            )
        random = np.random.default_rng(0)
        x, y = random.normal(size=(16, 5, 4, 2)), random.integers(0, 5, 16)
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
        history = learner.fit(data, epochs=2, shuffle=False, verbose=0).history
        return learner.get_weights(), history, learner.evaluate(x, y, verbose=0)

    def test_two_are_one(self):
        # Keras' default policy keeps the type that it is first asked for
        self.addCleanup(keras.config.set_dtype_policy, keras.config.dtype_policy())
        self.addCleanup(keras.config.set_floatx, keras.config.floatx())
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        (weights, history, test), (twins, other, found) = map(self.trained, (1, 2))
        for weight, twin in zip(weights, twins, strict=True):
            self.assertAllClose(weight, twin, rtol=0, atol=1e-9)
        self.assertAllClose(history, other, atol=1e-6)
        self.assertAllClose(test, found, atol=1e-6)


class NoiseOnReplicasTest(tf.test.TestCase):
    def test_replicas_draw_their_own_rows_of_the_whole_batch(self):
        strategy = strategies.create("mirrored", 2)

        def draw(examples):
            tensors = [tf.zeros((examples, 5)), tf.zeros((examples, 3, 2))]
            return normal_like(tensors, keys.key(1, "noise", 4), 0.3)

        @tf.function
        def on_replicas():
            return strategy.run(draw, args=(3,))

        for whole, halves in zip(draw(6), on_replicas(), strict=True):
            first, second = strategy.experimental_local_results(halves)
            self.assertAllEqual(whole, tf.concat([first, second], 0))
            self.assertNotAllEqual(first, second)


class Workers:
    """A strategy that hands every worker's dataset over, as TensorFlow asks each for its own."""

    def __init__(self, workers, local):
        self.workers, self.num_replicas_in_sync = workers, workers * local

    def distribute_datasets_from_function(self, make):
        size = self.workers, self.num_replicas_in_sync
        return [make(tf.distribute.InputContext(size[0], i, size[1])) for i in range(size[0])]


class ShardTest(tf.test.TestCase, parameterized.TestCase):
    """Every example is counted: it is the number in its only pixel."""

    @parameterized.parameters(1, 2, 3, 4)
    def test_workers_share_an_epoch_without_loss_or_overlap(self, workers):
        data = dataset(numbered(49), numbered(13), batch_size=12)
        whole = [x.numpy().ravel() for x, _ in data.training_batches(2).take(8)]
        shards = [
            data.training_batches(2, shard=(i, workers)).take(8).as_numpy_iterator()
            for i in range(workers)
        ]
        for expected, *parts in zip(whole, *shards, strict=True):
            self.assertAllEqual(expected, np.concatenate([x.ravel() for x, _ in parts]))
        for epoch in (whole[:4], whole[4:]):
            self.assertEqual(len(set(np.concatenate(epoch))), 48)

    @parameterized.parameters(1, 2, 3, 4)
    def test_workers_share_the_test_set(self, workers):
        data = dataset(numbered(49), numbered(13), batch_size=12)
        parts = [list(data.test_batches(shard=(i, workers))) for i in range(workers)]
        self.assertEqual({len(part) for part in parts}, {2})  # as many batches for everyone
        seen = np.concatenate([x.numpy().ravel() for part in parts for x, _ in part])
        self.assertAllEqual(np.sort(seen), np.arange(13))

    @parameterized.parameters((2, 1), (3, 1), (2, 2))
    def test_every_worker_is_handed_a_slice_of_its_own(self, workers, local):
        strategy = Workers(workers, local)
        data = dataset(numbered(49), numbered(13), batch_size=12)
        for batches, expected in [
            (data.training_batches, list(data.training_batches().take(9))),
            (data.test_batches, list(data.test_batches())),
        ]:
            handed = [iter(part) for part in distribute_dataset(strategy, batches)]
            for whole, _ in expected:
                parts = [next(mine)[0] for mine in handed for _ in range(local)]
                self.assertAllEqual(whole, tf.concat(parts, 0))

    def test_replicas_of_one_machine_share_a_batch(self):
        strategy = strategies.create("mirrored", 2)
        data = dataset(numbered(49), numbered(13), batch_size=12)
        for part, expected in [
            (distribute_dataset(strategy, data.test_batches), data.test_batches()),
            (distribute_dataset(strategy, data.training_batches), data.training_batches()),
        ]:
            for (images, _), (whole, _) in zip(part, expected.take(9), strict=False):
                halves = strategy.experimental_local_results(images)
                self.assertAllEqual(whole, tf.concat(halves, 0))


class CreateTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("auto", None, 1), ("auto", 2, 2), ("default", 2, 1), ("mirrored", None, 1)
    )
    def test_number_of_replicas(self, name, devices, replicas):
        self.assertEqual(strategies.create(name, devices).num_replicas_in_sync, replicas)

    def test_a_cluster_of_one_trains_alone(self):
        config = {"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": 0}}
        with (
            mock.patch.dict(os.environ, {"TF_CONFIG": json.dumps(config)}),
            mock.patch.object(tf.distribute, "MultiWorkerMirroredStrategy") as create,
        ):
            self.assertEqual(strategies.create("auto").num_replicas_in_sync, 1)
        create.assert_not_called()

    def test_parts_of_a_cpu_take_no_part_among_several_workers(self):
        config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
        with (
            mock.patch.dict(os.environ, {"TF_CONFIG": json.dumps(config)}),
            self.assertRaisesRegex(ValueError, "--num_devices must be 1 .* received 2"),
        ):
            strategies.create("auto", 2)

    def test_mistakes_get_one_line(self):
        for arguments, message in [
            (("ring",), "--strategy must be one of .*'ring'"),
            (("auto", 0), "--num_devices must be at least 1, received 0"),
            (("multi_worker",), "needs TF_CONFIG"),
        ]:
            with self.assertRaisesRegex(ValueError, message):
                strategies.create(*arguments)
        two = strategies.create("mirrored", 2)
        for batch_size, message in [
            (33, "multiple of the 2 replicas, received 33"),
            (12, "last 1 "),
        ]:
            data = dataset(numbered(49), numbered(13), batch_size=batch_size, drop_remainder=False)
            with self.assertRaisesRegex(ValueError, message):
                strategies.refuse_unfit(two, data, jit_compile=False)
        with self.assertRaisesRegex(ValueError, "one device only, received 2"):
            data = dataset(numbered(49), numbered(13), batch_size=12)
            strategies.refuse_unfit(two, data, jit_compile=True)

    def test_the_environment_tells_the_cluster(self):
        slurm = {
            "SLURM_PROCID": "1",
            "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_STEP_NODELIST": "node[07-08]",
            "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
        }
        config = {
            "cluster": {"worker": ["node07:8888", "node08:8888"]},
            "task": {"type": "worker", "index": 1},
        }
        for environment in (slurm, {"TF_CONFIG": json.dumps(config)}):
            with (
                mock.patch.dict(os.environ, environment),
                mock.patch.object(strategies, "await_workers") as wait,
                mock.patch.object(tf.distribute, "MultiWorkerMirroredStrategy") as create,
            ):
                strategies.create(settings={"seed": "3"})
                settings = wait.call_args.args[1]
                self.assertEqual(settings, {"seed": "3", "GPUs of a worker": "0"})
                resolver = create.call_args.kwargs["cluster_resolver"]
                self.assertEqual(resolver.cluster_spec().as_dict(), config["cluster"])
                self.assertEqual((resolver.task_type, resolver.task_id), ("worker", 1))


if __name__ == "__main__":
    tf.test.main()
