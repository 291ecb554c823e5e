"""Arrays of a user's own: checked, and read from a NumPy archive."""

import pathlib
import zipfile

import numpy as np

MOST_CLASSES = 65536  # as many as a layer may have units
NPZ_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: str) -> tuple[dict[str, tuple], int]:
    """Reads a NumPy archive of one's own; returns what `sources.read` does.

    Raises:
      ValueError: If there is no such archive, or it lacks an array.
    """
    file = pathlib.Path(path).expanduser()
    try:
        if not file.exists():
            raise ValueError(f"data.load.name: there is no file {file}")
        if not file.is_file():  # reading a pipe may never end
            raise ValueError(f"data.load.name: {file} is a folder, a pipe or the like")
        if not zipfile.is_zipfile(file):
            raise ValueError(
                f"data.load.name: {file} is no intact .npz archive (no zip file, or its end is "
                "missing)"
            )
    except OSError as error:
        raise ValueError(f"data.load.name: {path:.80} cannot be read: {error.strerror}") from error
    try:
        with np.load(file, allow_pickle=False) as archive:
            x_train, y_train, x_test, y_test = (archive[name] for name in NPZ_ARRAYS)
    except KeyError as error:
        wanted = ", ".join(NPZ_ARRAYS)
        raise ValueError(f"data.load.name: {file} must hold {wanted}: {error.args[0]}") from error
    # NumPy, zipfile and zlib raise a dozen kinds of error at files that are not what they say
    except Exception as error:
        raise ValueError(f"data.load.name: {file} is no intact .npz archive ({error})") from error
    return checked_parts((x_train, y_train), (x_test, y_test))


def checked_parts(train, test) -> tuple[dict[str, tuple], int]:
    """A user's arrays as `sources.read` returns a dataset's: parts, and number of classes."""
    for name, part in (("train", train), ("test", test)):
        if not isinstance(part, tuple | list) or len(part) != 2:
            raise ValueError(
                f"`{name}` must be a pair of images and class numbers, received "
                f"{type(part).__name__}"
            )
    parts = {"train": checked(*train, "train"), "test": checked(*test, "test")}
    shapes = [images.shape[1:] for images, _ in parts.values()]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"train and test images must be of one shape, received {shapes[0]} and {shapes[1]}"
        )
    kinds = [images.dtype for images, _ in parts.values()]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"train and test images must both be pixels or both floats, received {kinds[0]} and "
            f"{kinds[1]}"
        )
    return parts, 1 + int(max(labels.max() for _, labels in parts.values()))


def checked(images, labels, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns a user's images and class numbers as an `ArrayDataset` holds them.

    Args:
      images: `(examples, height, width, channels)`, `(examples, height, width)`, which gets one
        channel, or vectors `(examples, features)`. Integers are pixels in 0..255; floats are taken
        as they are.
      labels: Class numbers, `(examples,)` or `(examples, 1)`.
      what: What they are, for the message: "train" or "test".

    Raises:
      ValueError: If shapes, types or values are not these.
    """
    for name, values in (("images", images), ("labels", labels)):
        if _is_masked(values):
            raise ValueError(
                f"the {what} {name} must be whole, received some that are masked: fill them in, or "
                "leave those examples out"
            )
    try:
        images, labels = np.asarray(images), np.asarray(labels)
    except ValueError as error:  # lists of several lengths
        raise ValueError(
            f"the {what} images and labels must be arrays, received none ({error})"
        ) from error
    if images.ndim not in (2, 3, 4) or 0 in images.shape:
        raise ValueError(
            f"the {what} images must be (examples, height, width, channels), (examples, height, "
            f"width) or (examples, features), none of them 0, received {images.shape}"
        )
    if labels.shape == (len(images), 1):
        labels = labels[:, 0]
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"the {what} labels must be {len(images)} class numbers, one for each image, received "
            f"{labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0:
        raise ValueError(f"the {what} labels must not be negative, received {labels.min()}")
    if labels.max() >= MOST_CLASSES:
        raise ValueError(
            f"the {what} labels must be below {MOST_CLASSES}, as there are as many classes as the "
            f"largest of them says, received {labels.max()}"
        )
    images = images[..., np.newaxis] if images.ndim == 3 else images
    return pixels(images, what), labels.astype(np.int64)


def _is_masked(values):
    """Whether some of an array, or of arrays in a list, are masked; `np.asarray` forgets which."""
    if isinstance(values, list | tuple):
        return any(map(_is_masked, values))
    return isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values)


def pixels(images: np.ndarray, what: str) -> np.ndarray:
    """Returns images as pixels in 0..255 or as float32.

    Raises:
      ValueError: If they are neither, or not finite; `what` is what they are called.
    """
    if images.dtype.kind in "iu":  # times are integers to NumPy
        if images.min() < 0 or images.max() > 255:
            raise ValueError(
                f"the {what} images hold integers from {images.min()} to {images.max()}: pixels "
                "are 0..255, other numbers floats"
            )
        return images.astype(np.uint8)
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"the {what} images must be integers or floats, received {images.dtype}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        images = images.astype(np.float32)
    broken = np.flatnonzero(~np.isfinite(images).reshape(len(images), -1).all(1))
    if len(broken):
        raise ValueError(f"{what} image {broken[0]} holds numbers that are not finite in float32")
    return images
