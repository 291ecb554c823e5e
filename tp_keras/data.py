"""From images and labels to the batches that a run sees."""

import dataclasses

import gin
import numpy as np
import tensorflow as tf

from tp_keras import sources

SCALINGS = ("unit", "standardised")


@dataclasses.dataclass(frozen=True)
class Data:
    """One dataset, ready to train on.

    Batches are pairs of float images `(batch, height, width, channels)` and one-hot labels
    `(batch, classes)`. The order of training is a function of (seed, epoch) alone, so that a run
    can be taken up at any step.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    batch_size: int
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None
    mean: np.ndarray
    deviation: np.ndarray
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return len(self.train[1]) // self.batch_size

    def training_batches(
        self, first_epoch: int = 0, first_step: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> tf.data.Dataset:
        """All batches from a step of an epoch on, epoch after epoch without end.

        With `shard=(index, count)` slice `index` of `count` of every batch, as even as can be.
        """
        images, labels = (tf.constant(part) for part in self.train)
        examples = len(self.train[1])

        def epoch_order(epoch):
            key = tf.cast(tf.stack([tf.constant(self.seed, tf.int64), epoch]), tf.int32)
            indices = tf.data.Dataset.range(examples).batch(self.batch_size, drop_remainder=True)
            indices = indices.skip(
                tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
            )
            return indices.map(lambda i: shuffled(i, key, examples))

        def batch(indices):
            indices = slice_of(indices, *shard)
            return self._prepare(tf.gather(images, indices), tf.gather(labels, indices))

        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
        batches = epochs.flat_map(epoch_order).map(batch, num_parallel_calls=2, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def test_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
        """The test set once, in order; or a slice of each of its batches."""
        return self._once(self.test, shard)

    def validation_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset | None:
        """The held-out part of the training set once, or None where there is none."""
        return self._once(self.validation, shard) if self.validation else None

    def _once(self, part, shard):
        def batch(images, labels):
            return self._prepare(slice_of(images, *shard), slice_of(labels, *shard))

        batches = tf.data.Dataset.from_tensor_slices(part).batch(self.batch_size)
        return batches.map(batch).prefetch(tf.data.AUTOTUNE)

    def _prepare(self, images, labels):
        images = (tf.cast(images, tf.float32) - self.mean) / self.deviation
        return images, tf.one_hot(labels, self.classes)


def slice_of(x, index, count):
    """Slice `index` of `count` along the first axis of a tensor; sizes differ by at most one."""
    index, size = tf.cast(index, tf.int64), tf.shape(x, tf.int64)[0]
    return x[size * index // count : size * (index + 1) // count]


def shuffled(indices, key, examples):
    """Where a shuffle of `examples` that is keyed by `key` puts `indices`."""
    return tf.random.experimental.index_shuffle(indices, key, tf.constant(examples - 1, tf.int64))


@gin.configurable(module="tp_keras.data")
def load(
    name: str,
    batch_size: int,
    data_dir: str | None = None,
    validation_examples: int = 0,
    scaling: str = "unit",
    seed: int = 0,
) -> Data:
    """Loads a dataset by name.

    Args:
      name: A TFDS dataset, or "mnist_5k" (see `sources.read`).
      batch_size: Examples in a batch over all replicas.
      data_dir: Where TFDS keeps its datasets.
      validation_examples: How many of the training examples to hold out.
      scaling: "unit" puts pixels into [0, 1]; "standardised" gives them mean 0 and deviation 1,
        measured on the training set.
      seed: Seed of the order of training.

    Raises:
      ValueError: If a setting is out of range, or the data cannot be had.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"data.load.scaling must be one of {SCALINGS}, received {scaling!r}")
    parts, classes = sources.read(name, data_dir)
    train, validation = held_out(parts["train"], validation_examples)
    if not 1 <= batch_size <= len(train[1]):
        raise ValueError(
            f"data.load.batch_size must lie between 1 and the {len(train[1])} training examples "
            f"of {name}, received {batch_size}"
        )
    mean, deviation = np.float32(0), np.float32(255)
    if scaling == "standardised":
        mean, deviation = np.float32(train[0].mean()), np.float32(train[0].std())
    shape = train[0].shape[1:]
    return Data(
        name, shape, classes, batch_size, train, parts["test"], validation, mean, deviation, seed
    )


def held_out(part, examples):
    """Splits the last `examples` off a part: `(rest, held out or None)`."""
    total = len(part[1])
    if not 0 <= examples < total:
        raise ValueError(
            f"data.load.validation_examples must lie between 0 and {total - 1}, received {examples}"
        )
    if not examples:
        return part, None
    return tuple(x[:-examples] for x in part), tuple(x[-examples:] for x in part)
