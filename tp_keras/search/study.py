"""Optuna's study of a search, and the journal that it is kept in."""

import os
import pathlib

import gin
import optuna

from tp_keras.experiment.console import say

gin.external_configurable(optuna.pruners.SuccessiveHalvingPruner, module="optuna.pruners")


@gin.configurable("study", module="tp_keras.trials")
def open_study(folder: pathlib.Path, pruner=None) -> optuna.Study:
    """Opens the study that a folder holds, or a new one.

    The storage is Optuna's journal, a file that is only ever appended to under a lock made by a
    symbolic link: that holds on NFS too, where SQLite's locks do not.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drop_incomplete_line(folder / "journal.log")
    journal = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    return optuna.create_study(
        study_name="search",
        storage=optuna.storages.JournalStorage(journal),
        pruner=pruner or optuna.pruners.NopPruner(),
        load_if_exists=True,
    )


def drop_incomplete_line(path: pathlib.Path) -> None:
    """Cuts a journal after its last whole line, and says so.

    A full disk or a power cut leaves a part of a line, to which Optuna would append the next.
    """
    lock = optuna.storages.journal.JournalFileSymlinkLock(str(path))
    if not path.exists() or path.read_bytes()[-1:] in (b"", b"\n"):
        return
    lock.acquire()  # a line that another process is about to write is whole when it has the lock
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
            say(f"{path}: dropped its last line, which is incomplete")
    finally:
        lock.release()
