"""Optuna's study of a search, and the journal that it is kept in."""

import json
import os
import pathlib

import gin
import optuna

from tp_keras.experiment.console import say
from tp_keras.experiment.lock import Lock

gin.external_configurable(optuna.pruners.SuccessiveHalvingPruner, module="optuna.pruners")
# What Optuna raises over a line that is none of its own
DAMAGED = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)


class JournalLock:
    """What Optuna appends to a journal under, with the methods that it calls: `Lock` on a file.

    Optuna's own is a link to the journal, which a killed process leaves behind: where the link's
    target is not there, as after the folder was moved, it is waited for without end.

    Args:
      journal: The journal; the file of the lock lies beside it.
    """

    def __init__(self, journal: pathlib.Path):
        self.journal, self.lock = journal, None

    def acquire(self) -> bool:
        self.lock = Lock(self.journal.with_suffix(".lock"), wait=True)
        drop_incomplete_line(self.journal)
        return True

    def release(self) -> None:
        self.lock.release()


@gin.configurable("study", module="tp_keras.trials")
def open_study(folder: pathlib.Path, pruner=None) -> optuna.Study:
    """Opens the study that a folder holds, or a new one.

    The storage is Optuna's journal, a file that is only ever appended to, under a lock.

    Raises:
      OSError: If the folder cannot be written.
      ValueError: If the journal is damaged, or a link or the like.
    """
    path = folder / "journal.log"
    lock = JournalLock(path)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ValueError(f"--search_dir must hold a file {path}, and it is a link or no file")
    lock.acquire()
    try:
        refuse_damaged_line(path)
    finally:
        lock.release()
    journal = optuna.storages.journal.JournalFileBackend(str(path), lock)
    try:
        return optuna.create_study(
            study_name="search",
            storage=optuna.storages.JournalStorage(journal),
            pruner=pruner or optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
    except DAMAGED as error:
        raise ValueError(
            f"--search_dir holds a journal of something else: {path} "
            f"({type(error).__name__}: {error}); choose another folder"
        ) from error


def drop_incomplete_line(path: pathlib.Path) -> None:
    """Cuts a journal after its last whole line, and says so; only for who has the lock.

    A full disk, a power cut or kill -9 leaves a part of a line, to which Optuna would append the
    next.
    """
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
        say(f"{path}: dropped its last line, which is incomplete")


def refuse_damaged_line(path: pathlib.Path) -> None:
    """Raises ValueError at the first line of a journal that is not JSON as Optuna writes it."""
    if not path.exists():
        return
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                whole = isinstance(json.loads(line), dict)
            except (ValueError, RecursionError):
                whole = False
            if not whole:
                raise ValueError(
                    f"--search_dir holds a damaged file: {path}, line {number}; remove it "
                    "and all lines after it, whose trials are then made again, or choose another "
                    "folder"
                )
