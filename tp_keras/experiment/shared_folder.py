"""Checks, before anything is trained, that all workers see one run folder."""

import contextlib
import os
import pathlib
import secrets
import time

import tensorflow as tf

from tp_keras.distribution.collectives import gather_from_workers
from tp_keras.distribution.strategy import is_chief, is_multi_worker
from tp_keras.experiment.run_directory import RunDirectory

SEEN_WITHIN = 20.0  # seconds; a network file system shows a new file late
# Seconds that a worker stays after a refusal: where one leaves, TensorFlow breaks off what the
# others have not read yet
STAY = 3.0


def open_run_directory(
    path: str | os.PathLike, operative: str, strategy: tf.distribute.Strategy
) -> RunDirectory:
    """Returns the run's folder, after making sure that all workers see the same one.

    Args:
      path: The folder.
      operative: The run's operative gin configuration.
      strategy: The strategy; of its workers the chief alone writes.

    Raises:
      ValueError: In every worker, if the chief cannot use the folder or another does not see it.
    """
    if not is_multi_worker(strategy):
        return RunDirectory(path, operative)
    folder, refusal, number = None, None, secrets.randbits(48)
    if is_chief(strategy):
        try:
            folder = RunDirectory(path, operative)
            folder.write(_name(number), "")
        except ValueError as error:
            refusal = error
    opened, number = gather_from_workers(strategy, (float(refusal is None), number))[0]
    if not opened:
        time.sleep(STAY)
        raise refusal or ValueError("the chief cannot use --run_dir; its own line says why")
    try:
        return _seen_by_all(folder, pathlib.Path(path), operative, strategy, int(number))
    except BaseException:
        if folder:
            folder.close()
        raise


def _seen_by_all(folder, path, operative, strategy, number):
    seen = folder is not None or _appears(path, _name(number))
    rows = gather_from_workers(strategy, (float(seen),))
    if folder:
        (path / _name(number)).unlink(missing_ok=True)
    blind = [index for index, (seen,) in enumerate(rows) if not seen]
    if blind:
        time.sleep(STAY)
        raise ValueError(
            "--run_dir must be a folder that all workers share: number "
            f"{blind[0]}, counted from the chief's 0, does not see what the chief wrote to {path}"
        )
    return folder or RunDirectory(path, operative, writes=False)


def _name(number):
    return f".partial.{number:016x}.shared"


def _appears(path, name):
    until = time.monotonic() + SEEN_WITHIN
    while time.monotonic() < until:
        # Listing a folder refreshes what a network file system has cached
        with contextlib.suppress(OSError):
            if name in os.listdir(path):
                return True
        time.sleep(0.1)
    return False
