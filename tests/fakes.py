"""Random datasets in place of downloaded ones."""

import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tp_keras.data import tfds as sources


def fake_images(shape=(28, 28, 1), classes=10, examples=192):
    """A patch under which every dataset is a few random images."""
    random = np.random.default_rng(0)

    def part(n):
        return random.integers(0, 256, (n, *shape), np.uint8), random.integers(0, classes, n)

    parts = {"train": part(examples), "test": part(examples // 2 + 3)}
    return mock.patch.object(sources, "read", lambda name, *selection: (parts, classes))


def write_photos(data_dir, splits, classes=1000, shard=5):
    """Writes random JPEG photographs of many sizes as TFDS' imagenet2012, `shard` to a file."""
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(num_classes=classes),
            "file_name": tfds.features.Text(),
        }
    )
    folder = pathlib.Path(data_dir) / "imagenet2012/5.1.0"
    folder.mkdir(parents=True)
    version = tfds.core.Version("5.1.0")
    identity = tfds.core.DatasetIdentity("imagenet2012", version, data_dir=folder, module_name="")
    info = tfds.core.DatasetInfo(builder=identity, features=features)
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=shard)
    writer.initialize_splits(list(splits))
    random = np.random.default_rng(0)
    for split, examples in splits.items():
        records = []
        for i in range(examples):
            height, width = random.integers(24, 48, 2)
            colours = random.integers(0, 256, (3, 3, 3)).astype("float32")
            image = tf.cast(tf.image.resize(colours, (height, width)), tf.uint8).numpy()
            name = f"{split}_{i}"
            records.append({"image": image, "label": i % classes, "file_name": name})
        writer.add_examples({split: records})
    writer.close_all()
