"""The files of a TFDS dataset: whether they are whole, and which record of which is not."""

import errno
import os
import pathlib
import re
import struct
from collections.abc import Iterator

import tensorflow as tf

FRAME = 16  # bytes of a TFRecord around its content: length, and two checksums
TFDS_PREFIX = re.compile(r'Failed to construct dataset ".*", builder_kwargs ".*": ')
REMEDY = "copy that file again, or remove {folder} and prepare it anew"


def refuse_broken_files(builder, splits: list[str]) -> None:
    """Checks that all files of some splits are there and not cut off, without reading them.

    Raises:
      ValueError: In one line, naming split, file and record, and what to do.
    """
    for split in map(builder.info.splits.get, splits):
        files = [pathlib.Path(path) for path in split.filepaths]
        try:
            whole = sum(map(_size, files)) == split.num_bytes + FRAME * split.num_examples
            for file, records in zip(files, split.shard_lengths, strict=True):
                found = records if whole or not _are_records(builder) else records_within(file)
                if found != records:
                    what = f"ends after record {found} of {records}"
                    if found > records:
                        what = f"holds {found} records, not {records}"
                    raise ValueError(_line(builder, split.name, file, what))
        except OSError as error:
            file = pathlib.Path(error.filename)
            what = f"cannot be read ({error.strerror})"
            if isinstance(error, (FileNotFoundError, IsADirectoryError)):
                what = "is missing"
            raise ValueError(_line(builder, split.name, file, what)) from error


def _size(file):
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    return file.stat().st_size


def damage(builder, splits: list[str], decodes, advice: str = "") -> str | None:
    """Reads splits until a record is damaged; returns a line that names it, None where none is.

    Args:
      builder: The TFDS builder.
      splits: The splits to read.
      decodes: What a record holds, of tensors; an error where its content is no good.
      advice: What else to do about such content.
    """
    for split in map(builder.info.splits.get, splits):
        for file, number, error in _records(split, decodes):
            if error is not None:
                what = f"record {number} is damaged ({first_line(error)})"
                line = _line(builder, split.name, pathlib.Path(file), what)
                of_file = isinstance(error, tf.errors.DataLossError) or not advice
                return line if of_file else f"{line}; {advice}"
    return None


def records_within(file: pathlib.Path) -> int:
    """How many whole records a file holds, by their lengths alone."""
    count, size = 0, os.path.getsize(file)
    with open(file, "rb") as stream:
        while len(header := stream.read(8)) == 8:
            end = stream.tell() + struct.unpack("<Q", header)[0] + FRAME - 8
            if end > size:
                break
            stream.seek(end)
            count += 1
    return count


def _records(split, decodes) -> Iterator[tuple[str, int, tf.errors.OpError | None]]:
    """File, number, and what is wrong, for each record of a split up to the first that is."""
    for file in map(str, split.filepaths):
        number = 0
        try:
            # Decoded in a graph: one by one the 60,000 records of MNIST would take minutes
            for _ in tf.data.TFRecordDataset(file).map(decodes, tf.data.AUTOTUNE):
                number += 1
                yield file, number, None
        except tf.errors.OpError as error:
            yield file, number + 1, error


def first_line(error: Exception) -> str:
    """Returns an error's message without TensorFlow's graph location and TFDS' builder."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    own = TFDS_PREFIX.sub("", lines[0].rpartition("}} ")[2])
    return own.partition(" [Op:")[0][:100]


def _are_records(builder):
    return builder.info.file_format is None or builder.info.file_format.value == "tfrecord"


def _line(builder, split, file, what):
    remedy = REMEDY.format(folder=file.parent)
    return f"{builder.info.name}, split {split}: {file.name} {what}; {remedy}"
