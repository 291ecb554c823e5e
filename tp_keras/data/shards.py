"""The files of a TFDS dataset: whether they are whole, and which record of which is not."""

import errno
import os
import pathlib
import re
import stat
import struct

import numpy as np
import tensorflow as tf

from tp_keras.data.places import INFO, REMEDY

FRAME = 16  # bytes of a TFRecord around its content: length, and two checksums
# What TFDS and tf.data put before an error's own words
PREFIX = re.compile(
    r'Failed to construct dataset ".*", builder_kwargs ".*": |'
    r"Error in user-defined function passed to \S+ transformation with iterator: \S+: "
)
# What reading raises; the second, where bytes of a record that cannot be parsed are in the message
ERRORS = tf.errors.OpError, UnicodeDecodeError


def refuse_broken_files(builder, splits: list[str]) -> None:
    """Checks that all files of some splits are there and not cut off, without reading them.

    Raises:
      ValueError: In one line, naming split, file and record, and what to do.
    """
    for split in map(builder.info.splits.get, splits):
        files = _files(builder, split)
        try:
            whole = sum(map(_size, files)) == split.num_bytes + FRAME * split.num_examples
            for file, records in zip(files, split.shard_lengths, strict=True):
                found, rest = records, 0
                if not whole and _are_records(builder):
                    found, rest = records_within(file)
                if found < records:
                    what = f"ends after record {found} of {records}"
                elif found > records:
                    what = f"holds {found} records, not {records}"
                elif rest:
                    what = f"has bytes after its last record, {rest} of them"
                else:
                    continue
                raise ValueError(_line(builder, split.name, file, what))
        except OSError as error:
            file = pathlib.Path(error.filename)
            what = f"cannot be read ({error.strerror})"
            if isinstance(error, (FileNotFoundError, IsADirectoryError)):
                what = "is missing"
            raise ValueError(_line(builder, split.name, file, what)) from error


def _files(builder, split):
    """The files of a split, as the dataset's description names them."""
    info = pathlib.Path(builder.data_dir, INFO)
    try:
        files = [pathlib.Path(path) for path in split.filepaths]
    except ValueError as error:
        what = f"is damaged ({first_line(error)})"
        raise ValueError(_line(builder, split.name, info, what)) from error
    number = len(files)
    following = split.filename_template.sharded_filepath(shard_index=number, num_shards=number)
    if pathlib.Path(following).exists():
        raise ValueError(_line(builder, split.name, info, f"does not know of {following.name}"))
    return files


def _size(file):
    found = file.stat()
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(found.st_mode):  # reading a pipe, or a device, may never end
        raise OSError(errno.EINVAL, "it is a pipe or the like", str(file))
    return found.st_size


def damage(
    builder, splits: list[str], decodes, image=lambda features: features, advice: str = ""
) -> str | None:
    """Reads splits until a record is damaged; returns a line that names it, None where none is.

    Args:
      builder: The TFDS builder.
      splits: The splits to read.
      decodes: The features of a record, tensors; an error where it does not hold such.
      image: What becomes of these; an error where the image among them cannot be decoded.
      advice: What else to do about such an image.
    """
    for split in map(builder.info.splits.get, splits):
        for file, records in zip(split.filepaths, split.shard_lengths, strict=True):
            number, error = _first_damaged(str(file), records, lambda x: image(decodes(x)))
            if error is not None:
                what = f"record {number} is damaged ({first_line(error)})"
                line = _line(builder, split.name, pathlib.Path(file), what)
                of_image = _error_among(str(file), number - 1, number, decodes) is None
                return f"{line}; {advice}" if advice and of_image else line
    return None


def _error_among(file, first, end, decodes):
    """What is raised in reading some records of a file, or None."""
    found = tf.data.TFRecordDataset(file).skip(first).take(end - first)
    try:
        found.map(decodes, tf.data.AUTOTUNE).reduce(np.int64(0), lambda n, _: n + 1)
    except UnicodeDecodeError:
        return ValueError("its content cannot be parsed")
    except tf.errors.OpError as error:
        return error
    return None


def _first_damaged(file, records, decodes):
    """Number of the first damaged record of a file that should hold so many, and its error or None.

    Many are read in one graph, half as many each time: one by one MNIST's 60,000 take minutes.
    """
    first, end = 0, records + 1  # what follows the last is none
    error = _error_among(file, first, end, decodes)
    while error is not None and end - first > 1:
        middle = (first + end) // 2
        if (earlier := _error_among(file, first, middle, decodes)) is not None:
            end, error = middle, earlier
        else:
            first = middle
    return end, error


def records_within(file: pathlib.Path) -> tuple[int, int]:
    """How many whole records a file holds, by their lengths alone, and how many bytes beside."""
    count, end, size = 0, 0, os.path.getsize(file)
    with open(file, "rb") as stream:
        while len(header := stream.read(8)) == 8:
            following = end + struct.unpack("<Q", header)[0] + FRAME
            if following > size:
                break
            count, end = count + 1, following
            stream.seek(end)
    return count, size - end


def first_line(error: Exception) -> str:
    """Returns an error's message without TensorFlow's graph location and TFDS' builder."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    own = PREFIX.sub("", lines[0].rpartition("}} ")[2])
    return own.partition(" [Op:")[0].rstrip(".")[:140]


def _are_records(builder):
    return builder.info.file_format is None or builder.info.file_format.value == "tfrecord"


def _line(builder, split, file, what):
    remedy = REMEDY.format(folder=builder.data_dir)
    return f"{builder.info.name}, split {split}: {file.name} {what}; {remedy}"
