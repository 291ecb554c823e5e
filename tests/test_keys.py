"""Random streams: each passes tests of randomness, and no two correlate."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import architectures, data, keys
from tp_keras.data import augmentation
from tp_keras.data.arrays import order
from tp_keras.feedback import direct
from tp_keras.noise import normal_like

pytestmark = pytest.mark.xdist_group("keys")  # one worker draws the orders
EXAMPLES, BATCH = 20000, 64


def shown(seed, epoch):
    """The order in which an epoch shows examples, `(steps, batch)`, by the batches themselves."""
    numbers = np.arange(EXAMPLES, dtype="float32")[:, np.newaxis], np.arange(EXAMPLES) % 2
    dataset = data.from_arrays(numbers, test=numbers, batch_size=BATCH, seed=seed)
    batches = dataset.training_batches(first_epoch=epoch).take(dataset.steps_per_epoch)
    return np.stack([x.numpy()[:, 0] for x, _ in batches]).astype(int)


def positions(batches):
    """Where each example is shown; those that are left out come last."""
    where = np.full(EXAMPLES, batches.size)
    where[batches.ravel()] = np.arange(batches.size)
    return where


def shared_pairs(one, other):
    """How many pairs of examples that share a batch in one order do so in the other as well.

    Relative to the number that independent orders have on average.
    """
    of_batch = [np.full(EXAMPLES, -1) for _ in (one, other)]
    for batches, numbers in zip((one, other), of_batch, strict=True):
        numbers[batches] = np.arange(len(batches))[:, np.newaxis]
    both = (of_batch[0] >= 0) & (of_batch[1] >= 0)
    one, other = (numbers[both] for numbers in of_batch)
    counts = np.bincount(one * len(batches) + other)
    pairs = len(batches) * BATCH * (BATCH - 1) / 2
    return np.sum(counts * (counts - 1) / 2) / (pairs * (BATCH - 1) / (EXAMPLES - 1))


class OrderTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        starts = [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]
        cls.shown = {start: shown(*start) for start in starts}

    def test_examples_share_a_batch_under_two_seeds_or_epochs_as_often_as_by_chance(self):
        # By chance 1981 pairs with a deviation of 44.5; five of them, p = 6e-7 for each comparison
        for one, other in itertools.combinations(self.shown, 2):
            shared = shared_pairs(self.shown[one], self.shown[other])
            self.assertBetween(shared, 1 - 0.112, 1 + 0.112, msg=f"{one} {other}")

    def test_positions_under_two_seeds_or_epochs_do_not_correlate(self):
        # Ten correlations within four deviations each: p = 6e-4 for all together
        where = np.stack([positions(batches) for batches in self.shown.values()])
        off_diagonal = np.corrcoef(where)[np.triu_indices(len(where), 1)]
        self.assertAllInRange(off_diagonal, -4 / EXAMPLES**0.5, 4 / EXAMPLES**0.5)

    def test_neighbours_within_an_epoch_do_not_correlate(self):
        for batches in self.shown.values():
            sequence = batches.ravel()
            for lag in (1, 2):
                correlation = np.corrcoef(sequence[lag:], sequence[:-lag])[0, 1]
                self.assertLess(abs(correlation), 4 / EXAMPLES**0.5)

    def test_the_24_orders_of_4_examples_are_equally_frequent_over_seeds(self):
        pairs = np.array([keys.pair(seed, "order") for seed in range(6000)], "int32")

        @tf.function
        def orders_of_epoch_0():
            return tf.map_fn(lambda key: order(4, keys.fold(key, 0)), pairs, tf.int64)

        _, counts = np.unique(orders_of_epoch_0(), axis=0, return_counts=True)
        self.assertLen(counts, 24)
        chi_squared = np.sum((counts - 250) ** 2 / 250)
        self.assertLess(chi_squared, 49.73)  # p = .001 at 23 degrees of freedom


class StreamsTest(tf.test.TestCase, parameterized.TestCase):
    def test_keys_differ_by_seed_name_and_number(self):
        grid = itertools.product(range(-3, 9), ("order", "noise"), range(5))
        found = [tuple(keys.key(seed, name, n).numpy()) for seed, name, n in grid]
        self.assertLen(set(found), len(found))
        self.assertNotAllEqual(keys.key(1, "noise", 2, 3), keys.key(1, "noise", 3, 2))
        self.assertAllEqual(keys.key(1, "noise"), keys.pair(1, "noise"))
        self.assertNotEqual(keys.integer(1, "weights"), keys.integer(2, "weights"))

    @parameterized.parameters(0, 1, 7)
    def test_crops_flips_noise_and_order_do_not_correlate(self, seed):
        n = 20000
        numbers = augmentation.draws(keys.key(seed, "augmentation", 3), n).numpy()
        (noise,) = normal_like([tf.zeros((n, 1))], keys.key(seed, "noise", 3), 1.0)
        streams = [*numbers.T, np.ravel(noise), order(n, keys.key(seed, "order", 3)).numpy()]
        off_diagonal = np.corrcoef(streams)[np.triu_indices(len(streams), 1)]
        self.assertAllInRange(off_diagonal, -4 / n**0.5, 4 / n**0.5)

    def test_noise_and_augmentation_are_not_made_of_the_same_bits(self):
        n, names = 6000, ("noise", "mirror", "augmentation", "order")
        bits = {
            name: tf.random.stateless_uniform(
                (n, 4), keys.key(0, name, 3), None, None, tf.int32, alg="philox"
            ).numpy()
            for name in names
        }
        (noise,) = normal_like([tf.zeros((n, 8))], keys.key(0, "noise", 3), 1.0)
        for name in names:  # Box and Muller's noise is the cosine of the bits as an angle
            angle = np.cos(np.pi * bits[name] / 2**31)
            correlation = np.corrcoef(angle.ravel(), noise.numpy()[:, :4].ravel())[0, 1]
            if name == "noise":
                self.assertGreater(correlation, 0.8)
            else:
                self.assertLess(abs(correlation), 4 / (4 * n) ** 0.5)

    def test_xla_draws_the_same_under_every_key(self):
        def draw(seed, step):
            return normal_like([tf.zeros((3, 5))], keys.key(seed, "noise", step), 1.0)[0]

        for seed in range(4):
            compiled = tf.function(lambda step, seed=seed: draw(seed, step), jit_compile=True)
            for step in range(3):
                self.assertAllClose(draw(seed, step), compiled(tf.constant(step)), atol=1e-5)

    def test_seeded_feedback_of_two_layers_of_one_shape_differs(self):
        network = architectures.build((6,), classes=3, dense=[8, 8])
        feedback = direct(network, "seeded", seed=1)
        self.assertNotAllEqual(feedback[1].matrix(), feedback[2].matrix())


if __name__ == "__main__":
    tf.test.main()
