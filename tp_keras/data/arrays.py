"""Images in memory, and the batches made of them."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tp_keras import keys
from tp_keras.data.augmentation import crops_and_flips, draws
from tp_keras.data.base import Dataset, slice_of, spread


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArrayDataset(Dataset):
    """A dataset in memory; a part is images, uint8 or float32, and class numbers.

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
        steps = self.steps_per_epoch

        @tf.autograph.experimental.do_not_convert
        def epoch_order(epoch):
            indices = order(self.train_examples, keys.key(self.seed, "order", epoch))
            key = keys.key(self.seed, "augmentation", epoch)
            numbers = draws(key, self.train_examples)
            first = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)

            def step_indices(step):
                chosen = indices[step * self.batch_size : (step + 1) * self.batch_size]
                return chosen, tf.gather(numbers, chosen)

            return tf.data.Dataset.range(first, steps).map(step_indices)

        @tf.autograph.experimental.do_not_convert
        def batch(indices, numbers):
            indices, numbers = slice_of(indices, *shard), slice_of(numbers, *shard)
            chosen = self._augmented(tf.gather(images, indices), numbers)
            return self.scaled(chosen, tf.gather(labels, indices))

        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
        batches = epochs.flat_map(epoch_order).map(batch, num_parallel_calls=2, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def parts(self):
        return [part for part in (self.train, self.test, self.validation) if part]

    def sizes(self) -> list[int]:
        return [len(labels) for _, labels in self.parts()]

    def sample(self) -> Iterator[bytes]:
        for images, labels in self.parts():
            chosen = spread(len(labels))
            yield np.ascontiguousarray(images[chosen]).tobytes()
            yield np.asarray(labels[chosen], np.int64).tobytes()

    def _augmented(self, images, numbers):
        if self.crop_padding or self.flip:
            return crops_and_flips(images, numbers, self.crop_padding, self.flip)
        return images

    def _once(self, part, shard):
        @tf.autograph.experimental.do_not_convert
        def batch(images, labels):
            return self.scaled(slice_of(images, *shard), slice_of(labels, *shard))

        batches = tf.data.Dataset.from_tensor_slices(part).batch(self.batch_size)
        return batches.map(batch).prefetch(tf.data.AUTOTUNE)


def order(examples: int, key: tf.Tensor) -> tf.Tensor:
    """Returns a random order of `range(examples)`, int64, a function of `key` alone."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(examples, dtype=tf.int64), key, alg="philox"
    )
