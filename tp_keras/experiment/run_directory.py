"""The folder of one run: whose it is, who writes it, and what ends up in it."""

import contextlib
import json
import os
import pathlib
import re

import tensorflow as tf

from tp_keras.experiment.identity import first_difference, identity
from tp_keras.experiment.lock import Lock

OPERATIVE = "operative.gin"


class CannotWrite(Exception):
    """A run folder that could be written once and no longer can."""


class RunDirectory:
    """One run's folder: `operative.gin`, `epochs.csv`, `result.json`, weights, event files.

    A context manager: within, no other process may write the folder.

    Args:
      path: The folder, made where it does not exist.
      operative: The run's settings, the operative gin configuration or what `describe` returns.
      writes: Whether this process writes; of several that train one network, only one does.

    Raises:
      ValueError: If the folder cannot be written, is in use, or holds another experiment's run.
    """

    def __init__(self, path: str | os.PathLike, operative: str, writes: bool = True):
        self.path, self.writes, self.lock = pathlib.Path(path), writes, None
        self.settings = identity(operative)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if writes:
                self._acquire()
            self._refuse_foreign()
            self.write(OPERATIVE, operative)
        except OSError as error:
            self.close()
            raise ValueError(f"--run_dir cannot be written: {path} ({error.strerror})") from error
        except CannotWrite as error:
            self.close()
            raise ValueError(f"--run_dir cannot be written: {error}") from error
        except ValueError:
            self.close()
            raise

    def _acquire(self):
        self.lock = Lock(self.path / ".lock")
        if not self.lock.held:
            raise ValueError(f"--run_dir is in use by another process: {self.path}")

    def _refuse_foreign(self):
        path = self.path / OPERATIVE
        found = identity(path.read_text()) if path.exists() else self.settings
        if found != self.settings:
            raise ValueError(
                f"--run_dir holds a run of another experiment: {self.path}; its {OPERATIVE} "
                f"differs in {first_difference(found, self.settings)}; choose another folder"
            )

    def close(self) -> None:
        """Lets other processes write the folder."""
        if self.lock is not None:
            self.lock.release()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @contextlib.contextmanager
    def writing(self):
        """Within, a full disk or a folder that turned read-only is `CannotWrite`."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "message", str(error))
            reason = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", reason.splitlines()[0])
            raise CannotWrite(f"{self.path} ({reason})") from error

    def write(self, name: str, text: str) -> None:
        """Writes a file whole or not at all."""
        self.write_with(name, lambda partial: partial.write_text(text))

    def write_with(self, name: str, save) -> None:
        """Writes a file whole or not at all, by `save(path)`; only where this process writes."""
        if not self.writes:
            return
        partial = self.path / f".partial.{name}"
        with self.writing():
            try:
                save(partial)
                partial.replace(self.path / name)
            finally:
                partial.unlink(missing_ok=True)

    def write_json(self, name: str, content: dict) -> None:
        """Writes a dictionary as JSON."""
        self.write(name, json.dumps(content, indent=2) + "\n")

    def read_json(self, name: str) -> dict | None:
        """Reads what `write_json` wrote, None where there is nothing."""
        path = self.path / name
        return json.loads(path.read_text()) if path.exists() else None
