"""The files of a run that has had its epochs: which are missing or damaged, and what is done."""

import json
import zipfile
from collections.abc import Sequence

import h5py

from tp_keras.experiment import checkpoint_files
from tp_keras.experiment.run_directory import RunDirectory

WEIGHTS = ("best.weights.h5", "last.weights.h5", "network.keras")


def damaged_files(folder: RunDirectory, epochs: int, others: Sequence[str] = ()) -> list[str]:
    """Returns the names of files that cannot be read, or have not a row for each of the epochs.

    Weights may all be gone together with the checkpoints: a complete run does not need them.

    Args:
      folder: The run's folder.
      epochs: How many epochs it has had.
      others: Names of what this run writes beside what all runs do.
    """
    found = [] if _has_rows(folder, epochs) else ["epochs.csv"]
    needed = bool(checkpoint_files.prefixes(folder.path / "checkpoints"))
    for name in (*WEIGHTS, *others):
        path = folder.path / name
        if (needed or path.exists()) and not _opens(path):
            found.append(name)
    return found


def best_weights_intact(folder: RunDirectory) -> bool:
    """Whether `best.weights.h5` can be read."""
    return _opens(folder.path / "best.weights.h5")


def _has_rows(folder, epochs):
    try:
        numbers = [int(row["epoch"]) for row in folder.read_rows("epochs.csv")]
    except (ValueError, KeyError):
        return False
    return numbers == list(range(1, epochs + 1))


def _opens(path):
    """Returns whether a file can be opened, which fails where its end is missing."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as file:
                return isinstance(json.loads(file.read("config.json")), dict)
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as file:
                return file.testzip() is None
        with h5py.File(path) as file:
            return len(file) > 0
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile):
        return False
