"""The folder of one run, opened for one experiment by one process; reads and writes its files."""

import contextlib
import csv
import io
import json
import os
import pathlib
import re

import tensorflow as tf

from tp_keras.experiment.checkpoint_files import newest_progress
from tp_keras.experiment.identity import first_difference, identity
from tp_keras.experiment.lock import Lock
from tp_keras.experiment.whole_files import remove_partials, write_whole

OPERATIVE = "operative.gin"

PATTERN = re.compile(r"[*?\[\\]")


class CannotWrite(Exception):
    """A run folder that could be written once and no longer can."""


@contextlib.contextmanager
def writing(folder: pathlib.Path):
    """Within, a full disk, or a folder that is gone or turned read-only, is `CannotWrite`."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        place, name = folder, getattr(error, "filename", None)
        if name and not pathlib.Path(os.fsdecode(name)).is_relative_to(folder):
            place = name  # Keras writes a network by way of the folder of temporary files
        reason = getattr(error, "strerror", None) or getattr(error, "message", str(error))
        reason = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", reason.splitlines()[0])
        if place == folder and not folder.exists():
            reason = "it is gone"
        raise CannotWrite(f"{place} ({reason})") from error


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
        if PATTERN.search(str(path)):  # TensorFlow would look for the checkpoints elsewhere
            raise ValueError(f"--run_dir must hold none of * ? [ and \\, received {str(path)!r}")
        self.path, self.writes, self.lock = pathlib.Path(path), writes, None
        self.settings = identity(operative)
        try:
            if writes:
                self.path.mkdir(parents=True, exist_ok=True)
                self._refuse_others_files()
                self._acquire()
                remove_partials(self.path)
            self._refuse_foreign()
            self.write(OPERATIVE, operative)
        except OSError as error:
            self.close()
            place = error.filename or path
            raise ValueError(f"--run_dir cannot be written: {place} ({error.strerror})") from error
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

    def _refuse_others_files(self):
        for name in (".lock", "checkpoints"):
            if (self.path / name).is_symlink():
                raise ValueError(
                    f"--run_dir must hold no links to other places: {self.path / name}"
                )

        for path in sorted(self.path.iterdir()):
            if path.exists() and not (path.is_file() or path.is_dir()):  # reading it may never end
                raise ValueError(f"--run_dir must hold files and folders alone: {path} is neither")

    def _refuse_foreign(self):
        found = self._settings_found()
        if found != self.settings:
            saved = newest_progress(self.path / "checkpoints")
            if saved and saved.get("settings") == self.settings:
                return  # the text is damaged and will be written again
            raise ValueError(
                f"--run_dir holds a run of another experiment: {self.path}; its {OPERATIVE} "
                f"differs in {first_difference(found, self.settings)}; choose another folder"
            )

    def _settings_found(self):
        """Returns the settings of the run in the folder, or this run's where it has none."""
        path = self.path / OPERATIVE
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            text = ""
        if text.strip():
            return identity(text)
        if not (self.path / "result.json").exists():
            return self.settings  # whoever restores a checkpoint compares
        saved = newest_progress(self.path / "checkpoints")
        if saved is None:
            raise ValueError(
                f"--run_dir holds a run of which nobody knows the settings: {path} is missing or "
                "damaged, and there is no checkpoint; choose another folder"
            )
        return saved.get("settings")

    def close(self) -> None:
        """Lets other processes write the folder."""
        if self.lock is not None:
            self.lock.release()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def writing(self):
        """Within, a folder that can no longer be written is `CannotWrite`."""
        return writing(self.path)

    def write(self, name: str, text: str) -> None:
        """Writes a file whole or not at all."""
        self.write_with(name, lambda partial: partial.write_text(text, encoding="utf-8"))

    def write_with(self, name: str, save) -> None:
        """Writes a file whole or not at all, by `save(path)`; only where this process writes.

        What ends in ".h5" is saved into a file object of `h5py` in place of a path.
        """
        if not self.writes:
            return
        with self.writing():
            write_whole(self.path / name, save)

    def write_json(self, name: str, content: dict) -> None:
        """Writes a dictionary as JSON."""
        self.write(name, json.dumps(content, indent=2) + "\n")

    def read_json(self, name: str) -> dict | None:
        """Reads what `write_json` wrote, None where there is nothing.

        Raises:
          ValueError: If the file is damaged.
        """
        path = self.path / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise ValueError(f"--run_dir holds a damaged file: {path}; choose another folder")
        return content

    def write_rows(self, name: str, columns: list[str], rows: list[dict]) -> None:
        """Writes a CSV file whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write(name, text.getvalue())

    def read_rows(self, name: str) -> list[dict[str, str]]:
        """Reads the rows of a CSV file, none where there is no file.

        Raises:
          ValueError: If the file is damaged or cut off.
        """
        path = self.path / name
        try:
            text = path.read_text(encoding="utf-8")
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise ValueError(f"--run_dir holds a damaged file: {path}") from error
        if not text.endswith("\n") or any(None in (*row, *row.values()) for row in rows):
            raise ValueError(f"--run_dir holds a damaged file: {path}")
        return rows
