"""The base class of all datasets."""

import contextlib
import dataclasses
import hashlib
import math
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

# Exceptions of reading and decoding, and parts of TensorFlow's messages about reading
OF_DATA = (
    *(tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError),
    UnicodeDecodeError,  # where bytes of a record that cannot be parsed are in the message
)
READING = "IteratorGetNext"
SAMPLED = 64  # examples of each part in a fingerprint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """Images and labels in batches, ready to train on.

    Batches are pairs of float images `(batch, height, width, channels)` and labels: one-hot
    `(batch, classes)`, or the images themselves `(batch, pixels)` where `label` is "image". The
    order of training and its augmentation are functions of (seed, epoch) and the example alone, so
    that a run can be resumed at any step.

    Args:
      name: The name that the data was asked for by.
      input_shape: Shape of one image.
      classes: Number of classes.
      batch_size: Examples in a batch over all replicas.
      train_examples: Examples to train on.
      mean: What is subtracted from pixels in 0..255, a number or one for each channel.
      deviation: What they are divided by.
      label: What there is to learn, "class" or "image".
      flip: How half of the training images are mirrored, "left_right", "up_down" or None.
      drop_remainder: Whether an epoch leaves out the last examples of its order where they fill no
        batch, so that all batches are of one size.
      seed: Seed of order and augmentation.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    batch_size: int
    train_examples: int
    mean: np.ndarray
    deviation: np.ndarray
    label: str = "class"
    flip: str | None = None
    drop_remainder: bool = True
    seed: int = 0
    broken = frozenset()

    @property
    def fingerprint(self) -> dict[str, str]:
        """What tells this data from other data of the same name: sizes, and a hash of a sample."""
        sizes = "+".join(str(size) for size in self.sizes())
        digest = hashlib.sha256()
        for content in self.sample():
            digest.update(content)
        return {
            "examples": sizes,
            "shape": "x".join(map(str, self.input_shape)),
            "classes": str(self.classes),
            "sample": digest.hexdigest()[:16],
        }

    def sizes(self) -> list[int]:
        """Numbers of examples to train on, to test on, and held out where there are any."""
        raise NotImplementedError

    def sample(self) -> Iterator[bytes]:
        """The content of a few examples of each part, always the same ones."""
        raise NotImplementedError

    @property
    def steps_per_epoch(self) -> int:
        batches = self.train_examples / self.batch_size
        return math.floor(batches) if self.drop_remainder else math.ceil(batches)

    @property
    def skipped_examples(self) -> int:
        """How many training examples an epoch leaves out; others in each epoch."""
        return max(0, self.train_examples - self.steps_per_epoch * self.batch_size)

    def training_batches(
        self, first_epoch: int = 0, first_step: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> tf.data.Dataset:
        """All batches from a step of an epoch on, epoch after epoch without end.

        With `shard=(index, count)` slice `index` of `count` of every batch, as even as can be.
        """
        raise NotImplementedError

    def test_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
        """The test set once, in order; or a slice of each of its batches."""
        return self._once(self.test, shard)

    def validation_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset | None:
        """The held-out part of the training set, or a slice of each batch; None without one."""
        return self._once(self.validation, shard) if self.validation else None

    def unaugmented_batches(self, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
        """The training set once, in order and as it is, or a slice of each batch."""
        return self._once(self.train, shard)

    def _once(self, part, shard) -> tf.data.Dataset:
        """One pass over a part, `train`, `test` or `validation` of a subclass."""
        raise NotImplementedError

    def damage(self) -> str | None:
        """Reads all data; returns a line that names the first damaged record, None without one."""

    @contextlib.contextmanager
    def naming_damage(self):
        """Within, an error that comes of damaged data is a ValueError that names the record.

        Nothing is read again where TensorFlow's error has another cause.
        """
        try:
            yield
        except OF_DATA as error:
            of_reading = isinstance(error, UnicodeDecodeError) or READING in str(error)
            line = self.damage() if of_reading else None
            if line is None:
                raise
            raise ValueError(line) from error

    def scaled(self, images, labels):
        """Images of pixels in 0..255 and class numbers, as a network reads and learns them."""
        images = (tf.cast(images, tf.float32) - self.mean) / self.deviation
        if self.label == "image":
            return images, tf.reshape(images, (-1, math.prod(self.input_shape)))
        return images, tf.one_hot(labels, self.classes)


def spread(examples: int, wanted: int = SAMPLED) -> list[int]:
    """Some numbers of examples, evenly spread from the first to the last."""
    return sorted({round(n) for n in np.linspace(0, examples - 1, min(wanted, examples))})


def slice_of(x, index, count):
    """Slice `index` of `count` along the first axis of a tensor; sizes differ by at most one."""
    index, size = tf.cast(index, tf.int64), tf.shape(x, tf.int64)[0]
    return x[size * index // count : size * (index + 1) // count]
