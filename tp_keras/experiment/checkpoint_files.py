"""The files of checkpoints: `ckpt-<step>.index` and `ckpt-<step>.data-...` in one folder.

Only files of that form are read or removed. What TensorFlow would note beside them (`checkpoint`)
is not: anybody could write other paths into it.
"""

import contextlib
import json
import pathlib
import re

import tensorflow as tf

from tp_keras.experiment.whole_files import partial_path, remove_partials

FILE = re.compile(r"ckpt-(\d{1,18})\.(index|data-\d{5}-of-\d{5})")
# What reading a checkpoint raises where bytes are missing or wrong
DAMAGED = (tf.errors.OpError, ValueError, LookupError, RuntimeError, TypeError, OSError)


def files(folder: pathlib.Path) -> dict[int, list[pathlib.Path]]:
    """Returns the files of each step's checkpoint, the newest first."""
    found = {}
    for path in folder.glob("ckpt-*"):
        match = FILE.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            found.setdefault(int(match[1]), []).append(path)
    return dict(sorted(found.items(), reverse=True))


def prefixes(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns what TensorFlow calls a checkpoint's path, the newest first."""
    return [folder / f"ckpt-{step}" for step, paths in files(folder).items() if _complete(paths)]


def _complete(paths):
    """Whether the index is there, which is written last."""
    return any(path.suffix == ".index" for path in paths)


def write(folder: pathlib.Path, step: int, checkpoint: tf.train.Checkpoint) -> None:
    """Writes a checkpoint, whole or not at all."""
    folder.mkdir(exist_ok=True)
    remove_partials(folder)
    partial = partial_path(folder / f"ckpt-{step}")
    partial.mkdir()
    try:
        checkpoint.write(str(partial / f"ckpt-{step}"))
        for path in sorted(partial.glob("ckpt-*"), key=lambda p: p.suffix == ".index"):
            path.replace(folder / path.name)
    finally:
        remove_partials(folder)


def keep_newest(folder: pathlib.Path, step: int, number: int) -> None:
    """Removes all checkpoints but `number`, the newest of which is of `step`.

    A later one is damaged: the run was resumed before it.
    """
    found = files(folder)
    kept = [s for s, paths in found.items() if s <= step and _complete(paths)][:number]
    for path in (path for s, paths in found.items() if s not in kept for path in paths):
        with contextlib.suppress(OSError):
            path.unlink()


def value(reader, name: str):
    """Returns what a variable held, by the name that `tf.train.Checkpoint` gave it."""
    return reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")


def read_progress(prefix: pathlib.Path) -> dict:
    """Returns what a checkpoint says of its run.

    Raises:
      One of `DAMAGED`.
    """
    progress = json.loads(value(tf.train.load_checkpoint(str(prefix)), "progress"))
    if not isinstance(progress, dict):
        raise ValueError(f"no dictionary: {progress!r:.80}")
    return progress


def newest_progress(folder: pathlib.Path) -> dict | None:
    """Returns what the newest checkpoint that can be read says of its run, None without one."""
    for prefix in prefixes(folder):
        with contextlib.suppress(*DAMAGED):
            return read_progress(prefix)
    return None
