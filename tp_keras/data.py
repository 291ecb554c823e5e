"""From images and labels to the batches that a run sees."""

import dataclasses

import gin
import numpy as np
import tensorflow as tf

from tp_keras import sources
from tp_keras.augmentation import FLIPS, crops_and_flips, draws
from tp_keras.dataset import Dataset, epoch_key

SCALINGS = ("unit", "standardised")
LABELS = ("class", "image")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data(Dataset):
    """A dataset in memory; a part is uint8 images and class numbers.

    Args:
      train: What to train on.
      test: What to test on.
      validation: What was held out of the training set, or None.
      crop_padding: Width in pixels of the black frame from which training images are cut.
    """

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None = None
    crop_padding: int = 0

    def training_batches(self, first_epoch: int = 0, first_step: int = 0) -> tf.data.Dataset:
        images, labels = (tf.constant(part) for part in self.train)
        examples = self.train_examples

        def epoch_order(epoch):
            key = epoch_key(self.seed, epoch)
            numbers = draws(key, examples)
            indices = tf.data.Dataset.range(examples).batch(self.batch_size, drop_remainder=True)
            indices = indices.skip(
                tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
            )
            indices = indices.map(lambda i: shuffled(i, key, examples))
            return indices.map(lambda i: (i, tf.gather(numbers, i)))

        def batch(indices, numbers):
            chosen = self._augmented(tf.gather(images, indices), numbers)
            return self.scaled(chosen, tf.gather(labels, indices))

        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
        batches = epochs.flat_map(epoch_order).map(batch, num_parallel_calls=2, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def test_batches(self) -> tf.data.Dataset:
        return self._once(self.test)

    def validation_batches(self) -> tf.data.Dataset | None:
        return self._once(self.validation) if self.validation else None

    def _augmented(self, images, numbers):
        if self.crop_padding or self.flip:
            return crops_and_flips(images, numbers, self.crop_padding, self.flip)
        return images

    def _once(self, part):
        batches = tf.data.Dataset.from_tensor_slices(part).batch(self.batch_size)
        return batches.map(self.scaled).prefetch(tf.data.AUTOTUNE)


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
    label: str = "class",
    crop_padding: int = 0,
    flip: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Loads a dataset by name.

    Args:
      name: A TFDS dataset, or "mnist_5k" (see `sources.read`).
      batch_size: Examples in a batch over all replicas.
      data_dir: Where TFDS keeps its datasets.
      validation_examples: How many of the training examples to hold out.
      scaling: "unit" puts pixels into [0, 1]; "standardised" gives them mean 0 and deviation 1,
        measured on the training set.
      label: What there is to learn: "class", or "image", the image itself.
      crop_padding: Training images are cut at random out of a black frame of so many pixels.
      flip: Half of the training images are mirrored: "left_right", "up_down"; None is none.
      seed: Seed of the order of training and of its crops and flips.

    Raises:
      ValueError: If a setting is out of range, or the data cannot be had.
    """
    one_of("scaling", scaling, SCALINGS)
    one_of("label", label, LABELS)
    one_of("flip", flip, FLIPS)
    if crop_padding < 0:
        raise ValueError(f"data.load.crop_padding must not be negative, received {crop_padding}")
    parts, classes = sources.read(name, data_dir)
    train, validation = held_out(parts["train"], validation_examples)
    mean, deviation = np.float32(0), np.float32(255)
    if scaling == "standardised":
        mean, deviation = np.float32(train[0].mean()), np.float32(train[0].std())
    return Data(
        name=name,
        input_shape=train[0].shape[1:],
        classes=classes,
        batch_size=fitting(batch_size, len(train[1]), name),
        train_examples=len(train[1]),
        mean=mean,
        deviation=deviation,
        label=label,
        flip=flip,
        seed=seed,
        train=train,
        test=parts["test"],
        validation=validation,
        crop_padding=crop_padding,
    )


def one_of(name, value, allowed):
    """Raises ValueError where a setting of `load` is none of the allowed ones."""
    if value not in allowed:
        raise ValueError(f"data.load.{name} must be one of {allowed}, received {value!r}")


def fitting(batch_size, examples, name):
    """The batch size, if an epoch of `examples` holds at least one batch."""
    if not 1 <= batch_size <= examples:
        raise ValueError(
            f"data.load.batch_size must lie between 1 and the {examples} training examples "
            f"of {name}, received {batch_size}"
        )
    return batch_size


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
