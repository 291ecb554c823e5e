"""From images and labels to the batches that a run sees."""

import dataclasses

import gin
import numpy as np
import tensorflow as tf

from tp_keras import photos, sources
from tp_keras.augmentation import FLIPS, crops_and_flips, draws
from tp_keras.dataset import Dataset, epoch_key, slice_of

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

    def training_batches(
        self, first_epoch: int = 0, first_step: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> tf.data.Dataset:
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
            indices, numbers = slice_of(indices, *shard), slice_of(numbers, *shard)
            chosen = self._augmented(tf.gather(images, indices), numbers)
            return self.scaled(chosen, tf.gather(labels, indices))

        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
        batches = epochs.flat_map(epoch_order).map(batch, num_parallel_calls=2, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def test_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
        return self._once(self.test, shard)

    def validation_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset | None:
        return self._once(self.validation, shard) if self.validation else None

    def _augmented(self, images, numbers):
        if self.crop_padding or self.flip:
            return crops_and_flips(images, numbers, self.crop_padding, self.flip)
        return images

    def _once(self, part, shard):
        def batch(images, labels):
            return self.scaled(slice_of(images, *shard), slice_of(labels, *shard))

        batches = tf.data.Dataset.from_tensor_slices(part).batch(self.batch_size)
        return batches.map(batch).prefetch(tf.data.AUTOTUNE)


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
    image_size: int | None = None,
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
        measured on the training set (of photographs: ImageNet's, by channel).
      label: What there is to learn: "class", or "image", the image itself.
      image_size: Height and width of what is cut out of photographs of all sizes, which are then
        read from disk as they are needed; None is images of one size, which are kept in memory.
      crop_padding: Training images are cut at random out of a black frame of so many pixels.
      flip: Half of the training images are mirrored: "left_right", "up_down"; None is none.
      seed: Seed of the order of training and of its crops and flips.

    Raises:
      ValueError: If a setting is out of range, or the data cannot be had.
    """
    for setting, value, allowed in (
        ("scaling", scaling, SCALINGS),
        ("label", label, LABELS),
        ("flip", flip, FLIPS),
    ):
        if value not in allowed:
            raise ValueError(f"data.load.{setting} must be one of {allowed}, received {value!r}")
    if crop_padding < 0 or (crop_padding and image_size is not None):
        raise ValueError(
            "data.load.crop_padding must not be negative, and 0 beside an image_size, "
            f"received {crop_padding}"
        )
    common = {"name": name, "batch_size": batch_size, "label": label, "flip": flip, "seed": seed}
    if image_size is None:
        return in_memory(common, data_dir, validation_examples, scaling, crop_padding)
    return on_disk(common, data_dir, validation_examples, scaling, image_size)


def in_memory(common, data_dir, validation_examples, scaling, crop_padding) -> Data:
    """Images of one size; `common` is what both kinds of dataset are told."""
    parts, classes = sources.read(common["name"], data_dir)
    images, labels = parts["train"]
    check_sizes(len(labels), validation_examples, common)
    cut = len(labels) - validation_examples
    mean, deviation = np.float32(0), np.float32(255)
    if scaling == "standardised":
        mean, deviation = np.float32(images[:cut].mean()), np.float32(images[:cut].std())
    return Data(
        **common,
        input_shape=images.shape[1:],
        classes=classes,
        train_examples=cut,
        mean=mean,
        deviation=deviation,
        train=(images[:cut], labels[:cut]),
        test=parts["test"],
        validation=(images[cut:], labels[cut:]) if validation_examples else None,
        crop_padding=crop_padding,
    )


def on_disk(common, data_dir, validation_examples, scaling, image_size) -> photos.Photos:
    """Photographs of all sizes."""
    if image_size < 1:
        raise ValueError(f"data.load.image_size must be at least 1, received {image_size}")
    builder = sources.photographs(common["name"], data_dir)
    examples = builder.info.splits["train"].num_examples
    check_sizes(examples, validation_examples, common)
    cut = examples - validation_examples
    standard = scaling == "standardised"
    return photos.Photos(
        **common,
        input_shape=(image_size, image_size, 3),
        classes=builder.info.features["label"].num_classes,
        train_examples=cut,
        mean=np.float32(photos.MEAN if standard else 0),
        deviation=np.float32(photos.DEVIATION if standard else 255),
        builder=builder,
        train=f"train[:{cut}]",
        test=sources.PHOTOGRAPHS_TEST,
        validation=f"train[{cut}:]" if validation_examples else None,
    )


def check_sizes(examples, validation_examples, common):
    """Raises ValueError where a dataset of so many training examples is too small."""
    if not 0 <= validation_examples < examples:
        raise ValueError(
            f"data.load.validation_examples must lie between 0 and {examples - 1}, "
            f"received {validation_examples}"
        )
    rest = examples - validation_examples
    if not 1 <= common["batch_size"] <= rest:
        raise ValueError(
            f"data.load.batch_size must lie between 1 and the {rest} training examples "
            f"of {common['name']}, received {common['batch_size']}"
        )
