"""Datasets: images and labels in batches, by name or of arrays of one's own."""

import os

import gin
import numpy as np

from tp_keras.data import checks, own_arrays
from tp_keras.data import jpegs as photos
from tp_keras.data import tfds as sources
from tp_keras.data.arrays import ArrayDataset
from tp_keras.data.base import Dataset
from tp_keras.data.selection import Selection
from tp_keras.scalars import whole

NPZ = "npz:"  # what the name of an archive of one's own begins with


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
    drop_remainder: bool = True,
    seed: int = 0,
    train_split: str = "train",
    test_split: str | None = None,
    image_feature: str = "image",
    label_feature: str = "label",
    broken_photographs: str = "stop",
) -> Dataset:
    """Loads a dataset by name.

    Args:
      name: A TFDS dataset; "mnist_5k" (see `sources.read`); or "npz:PATH", a NumPy archive of
        x_train, y_train, x_test and y_test, as `from_arrays` takes them.
      batch_size: Examples in a batch over all replicas.
      data_dir: Where TFDS keeps its datasets.
      validation_examples: How many of the training examples to hold out, the last ones.
      scaling: "unit" puts pixels into [0, 1]; "standardised" gives them mean 0 and deviation 1,
        measured on the training set (of photographs: ImageNet's, by channel).
      label: What there is to learn: "class", or "image", the image itself.
      image_size: Height and width of what is cut out of photographs of all sizes, which are then
        read from disk as they are needed; None is images of one size, which are kept in memory.
      crop_padding: Training images are cut at random out of a black frame of so many pixels.
      flip: Half of the training images are mirrored: "left_right", "up_down"; None is none.
      drop_remainder: Whether an epoch leaves out the last examples of its random order where they
        fill no batch.
      seed: Seed of the order of training and of its crops and flips.
      train_split, test_split, image_feature, label_feature: What of a TFDS dataset is read, see
        `Selection`.
      broken_photographs: What becomes of a photograph that cannot be decoded: "stop" ends the run
        with a line that names it; "skip" leaves it out of the test, puts another of its batch in
        its place in training, and counts it in `Dataset.broken`.

    Raises:
      ValueError: If a setting is out of range, or the data cannot be had, or is damaged.
    """
    common = {"name": name, "batch_size": batch_size, "label": label, "flip": flip}
    common |= {"drop_remainder": drop_remainder, "seed": seed}
    checks.check_name(name)
    checks.check_numbers(batch_size, validation_examples, crop_padding, seed)
    if image_size is not None:
        whole("data.load.image_size", image_size)
    checks.check_settings(scaling, label, flip, crop_padding, image_size)
    data_dir = data_dir and os.path.expanduser(data_dir)
    selection = Selection(train_split, test_split, image_feature, label_feature)
    if image_size is not None:
        refuse_photographs_of(name)
        found = sources.photographs(name, data_dir, selection)
        return on_disk(common, *found, validation_examples, scaling, image_size, broken_photographs)
    if name.startswith(NPZ):
        parts, classes = own_arrays.read_npz(name.removeprefix(NPZ))
    else:
        parts, classes = sources.read(name, data_dir, selection)
    return in_memory(common, parts, classes, validation_examples, scaling, crop_padding)


def from_arrays(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    validation_examples: int = 0,
    scaling: str = "unit",
    label: str = "class",
    crop_padding: int = 0,
    flip: str | None = None,
    drop_remainder: bool = True,
    seed: int = 0,
    name: str = "arrays",
) -> Dataset:
    """Makes a dataset of arrays of one's own, the same as `load` returns.

    Args:
      train: Images and class numbers to train on. Images are `(examples, height, width, channels)`,
        `(examples, height, width)`, or vectors `(examples, features)`; integers are pixels in
        0..255, which `scaling` "unit" puts into [0, 1], floats are then taken as they are. Class
        numbers are `(examples,)` or `(examples, 1)`.
      test: The same to test on.
      batch_size, validation_examples, scaling, label, crop_padding, flip, drop_remainder, seed: As
        `load` takes them.
      name: What the data is called in a run's record.

    Raises:
      ValueError: If a setting is out of range, or the arrays are not such.

    Example:
      dataset = data.from_arrays((x, y), test=(x_test, y_test), batch_size=64)
      learner.fit(dataset.training_batches(), steps_per_epoch=dataset.steps_per_epoch)
    """
    common = {"name": name, "batch_size": batch_size, "label": label, "flip": flip}
    common |= {"drop_remainder": drop_remainder, "seed": seed}
    checks.check_name(name)
    if not isinstance(drop_remainder, bool):
        raise ValueError(f"`drop_remainder` must be True or False, received {drop_remainder!r:.60}")
    checks.check_numbers(batch_size, validation_examples, crop_padding, seed)
    checks.check_settings(scaling, label, flip, crop_padding, None)
    parts, classes = own_arrays.checked_parts(train, test)
    return in_memory(common, parts, classes, validation_examples, scaling, crop_padding)


def refuse_photographs_of(name: str) -> None:
    """Raises ValueError where data that is no dataset of TFDS is asked for as photographs."""
    if name == "mnist_5k" or name.startswith(NPZ):
        raise ValueError(
            "data.load.image_size is for photographs of TensorFlow Datasets, and the images of "
            f"{name} are of one size: leave it out"
        )


def in_memory(common, parts, classes, validation_examples, scaling, crop_padding) -> ArrayDataset:
    """Returns a dataset of images of one size; `common` holds arguments of both kinds."""
    images, labels = parts["train"]
    checks.check_sizes(len(labels), classes, validation_examples, common)
    if images.ndim != 4 and (crop_padding or common["flip"]):
        raise ValueError(
            "data.load.crop_padding and data.load.flip are for images (height, width, channels), "
            f"received {images.shape[1:]}"
        )
    if images.ndim == 4 and crop_padding > min(images.shape[1:3]):
        raise ValueError(
            f"data.load.crop_padding must be at most {min(images.shape[1:3])}, the images' side, "
            f"received {crop_padding}"
        )
    cut = len(labels) - validation_examples
    mean, deviation = pixel_scale(images[:cut], scaling)
    return ArrayDataset(
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


def pixel_scale(images, scaling) -> tuple[np.float32, np.float32]:
    """Returns what is subtracted from images, and what they are divided by."""
    if scaling == "unit":
        return np.float32(0), np.float32(255 if images.dtype == np.uint8 else 1)
    mean, deviation = (
        np.float32(images.mean(dtype="float64")),
        np.float32(images.std(dtype="float64")),
    )
    if deviation == 0:
        raise ValueError(
            "data.load.scaling = 'standardised' needs pixels that differ: all of the training "
            f"images are {mean:g}"
        )
    return mean, deviation


def on_disk(
    common, builder, selection, validation_examples, scaling, image_size, broken
) -> photos.Photos:
    """Returns a dataset of photographs of all sizes."""
    if image_size < 1:
        raise ValueError(f"data.load.image_size must be at least 1, received {image_size}")
    split, begin, end = selection.train_range(builder)
    classes = builder.info.features[selection.label].num_classes
    checks.check_sizes(end - begin, classes, validation_examples, common)
    cut = end - validation_examples
    standard = scaling == "standardised"
    return photos.Photos(
        **common,
        input_shape=(image_size, image_size, 3),
        classes=classes,
        train_examples=cut - begin,
        mean=np.float32(photos.MEAN if standard else 0),
        deviation=np.float32(photos.DEVIATION if standard else 255),
        builder=builder,
        selection=selection,
        train=f"{split}[{begin}:{cut}]",
        test=selection.test,
        validation=f"{split}[{cut}:{end}]" if validation_examples else None,
        skips_broken=broken == "skip",
    )
