"""Photographs, read from disk, decoded and cropped as they are needed."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tp_keras import keys
from tp_keras.data import shards
from tp_keras.data.augmentation import central_window, random_window
from tp_keras.data.base import Dataset, slice_of, spread
from tp_keras.data.broken import checked_jpeg, fill, intact, or_none
from tp_keras.data.decoding import decoder, decoding
from tp_keras.data.selection import Selection
from tp_keras.data.tfds import quiet_tfds

# Serialised photographs that are shuffled among one another, beside the shuffle of the files
SHUFFLED = 2048
# Mean and deviation of ImageNet's red, green and blue in 0..255, as they are customary
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
SAMPLED_FILES, SAMPLED_RECORDS = 8, 4  # in a fingerprint, of a split and of a file
SKIP = "or skip such photographs: data.load.broken_photographs = 'skip'"
MIRRORS = {
    "left_right": tf.image.stateless_random_flip_left_right,
    "up_down": tf.image.stateless_random_flip_up_down,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Photos(Dataset):
    """JPEG photographs of a TFDS dataset, nothing of which stays in memory.

    Training cuts Inception's random crop out of a photograph, resizes it and mirrors half; a test
    sees the central square.

    Args:
      builder: The prepared TFDS builder.
      selection: Its splits and features that are read.
      train: What to train on, as TFDS names a part of a split.
      test: What to test on.
      validation: What was held out of the training set, or None.
      skips_broken: Whether a photograph that cannot be decoded is left out, or ends the reading.
      broken: Those left out so far, each "file, record".
    """

    builder: tfds.core.DatasetBuilder
    selection: Selection
    train: str
    test: str
    validation: str | None = None
    skips_broken: bool = False
    broken: set[str] = dataclasses.field(default_factory=set)

    def training_batches(
        self, first_epoch: int = 0, first_step: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> tf.data.Dataset:
        @tf.autograph.experimental.do_not_convert
        def epoch_records(epoch):
            # This graph's alone: the order must not hang on the program's global seed
            tf.random.set_seed(1)
            key = keys.key(self.seed, "augmentation", epoch)
            records = self._shuffled(keys.key(self.seed, "order", epoch))
            numbered = records.enumerate().map(lambda i, record: (keys.fold(key, i), record))
            batches = numbered.batch(self.batch_size, drop_remainder=self.drop_remainder)
            return batches.skip(tf.where(epoch == first_epoch, to_int64(first_step), 0))

        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
        return self._decoded(epochs.flat_map(epoch_records), self._training_image, shard, fill)

    def _once(self, split, shard):
        records = self._records(split).map(lambda *record: (tf.constant((0, 0)), record))
        batches = self._decoded(records.batch(self.batch_size), self._test_image, shard, intact)
        return (
            batches.filter(lambda images, _: tf.size(images) > 0) if self.skips_broken else batches
        )

    def _shuffled(self, key):
        """All records of an epoch: files and, within a buffer, records in an order of its own."""
        seeds = tf.random.stateless_uniform((2,), key, None, None, tf.int64)
        records = self._records(self.train, shuffle_files=True, shuffle_seed=seeds[0])
        return records.shuffle(SHUFFLED, seed=seeds[1], reshuffle_each_iteration=False)

    @quiet_tfds()
    def _records(self, split, shuffle_files=False, shuffle_seed=None):
        """Photographs as they lie on disk, with their class numbers."""
        records = self.builder.as_dataset(
            split,
            shuffle_files=shuffle_files,
            decoders=decoding(self.selection, encoded=True),
            read_config=tfds.ReadConfig(
                shuffle_seed=shuffle_seed,
                shuffle_reshuffle_each_iteration=False,
                try_autocache=False,
                skip_prefetch=True,
                add_tfds_id=True,
            ),
        )
        names = self.selection.image, self.selection.label, "tfds_id"
        return records.map(lambda record: tuple(record[name] for name in names))

    def _decoded(self, batches, image, shard, without_broken):
        """Batches of images, made of a worker's slice of every batch of records."""
        kind = tf.TensorSpec(self.input_shape, tf.float32)

        def decoded(jpeg, key, name):
            return or_none(lambda: image(jpeg, key), kind, lambda: self._note_broken(name))

        @tf.autograph.experimental.do_not_convert
        def batch(keys, records):
            keys, jpegs, labels, names = (slice_of(x, *shard) for x in (keys, *records))
            if not self.skips_broken:
                images = tf.map_fn(lambda x: image(*x), (jpegs, keys), fn_output_signature=kind)
                return self.scaled(images, labels)
            kinds = (kind, tf.TensorSpec((), tf.bool))
            found = tf.map_fn(
                lambda x: decoded(*x), (jpegs, keys, names), fn_output_signature=kinds
            )
            return self.scaled(*without_broken(*found, labels))

        batches = batches.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(2)  # one in use and one in the making: they are large

    def _note_broken(self, name):
        def note(name):
            self.broken.add(name.decode())
            return np.int32(0)

        return tf.numpy_function(note, [name], tf.int32)

    def sizes(self) -> list[int]:
        splits = self.builder.info.splits
        return [
            splits[part].num_examples for part in (self.train, self.test, self.validation) if part
        ]

    def sample(self) -> Iterator[bytes]:
        for split in map(self.builder.info.splits.get, self.selection.whole_splits()):
            files = [str(path) for path in split.filepaths]
            for file in (files[n] for n in spread(len(files), SAMPLED_FILES)):
                for record in tf.data.TFRecordDataset(file).take(SAMPLED_RECORDS):
                    yield record.numpy()

    def damage(self) -> str | None:
        decodes = decoder(self.builder, decoding(self.selection, encoded=True))
        read = self.builder, self.selection.whole_splits(), decodes

        def image(features):
            return self._test_image(features[self.selection.image], None)

        if self.skips_broken:  # an image to be skipped is not what ended the reading
            return shards.damage(*read) or shards.damage(*read, image)
        return shards.damage(*read, image, SKIP)

    def _training_image(self, jpeg, key):
        jpeg = checked_jpeg(jpeg)
        image = resized(jpeg, random_window(tf.io.extract_jpeg_shape(jpeg), key), self.input_shape)
        return MIRRORS[self.flip](image, keys.fold(key, 1)) if self.flip else image

    def _test_image(self, jpeg, key):
        jpeg = checked_jpeg(jpeg)
        return resized(jpeg, central_window(tf.io.extract_jpeg_shape(jpeg)), self.input_shape)


def resized(jpeg: tf.Tensor, window: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    """A window of a photograph as an image of `shape`, without decoding all of it.

    Args:
      jpeg: The encoded photograph, a string.
      window: Upper and left edge, height and width, in pixels.
      shape: (height, width, 3) of the image.
    """
    image = tf.io.decode_and_crop_jpeg(jpeg, window, channels=3)
    image = tf.image.resize(image, shape[:2], antialias=True)
    return tf.ensure_shape(image, shape)


def to_int64(number):
    """A constant as tf.data counts."""
    return tf.constant(number, tf.int64)
