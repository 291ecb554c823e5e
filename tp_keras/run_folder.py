"""The folder of one run: whose it is, and what ends up in it."""

import json
import os
import pathlib

from tp_keras.bindings import bindings

OPERATIVE = "operative.gin"
# What may change between two starts of the same run
FREE = (
    "train.epochs",
    "train.run_dir",
    "train.callbacks",
    "Diagnostics.every",
    "load.data_dir",
)


class RunFolder:
    """One run's folder: `operative.gin`, `epochs.csv`, `result.json`, weights, event files.

    Args:
      path: The folder, made where it does not exist.
      operative: The run's operative gin configuration.

    Raises:
      ValueError: If the folder cannot be written, or holds a run of another experiment.
    """

    def __init__(self, path: str | os.PathLike, operative: str):
        self.path = pathlib.Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            found = self._operative()
            if found is not None and _identity(found) != _identity(operative):
                raise ValueError(
                    f"--run_dir holds a run of another experiment: {self.path}; its {OPERATIVE} "
                    f"differs in {_first_difference(found, operative)}; choose another folder"
                )
            self.write(OPERATIVE, operative)
        except OSError as error:
            raise ValueError(f"--run_dir cannot be written: {path} ({error.strerror})") from error

    def _operative(self):
        path = self.path / OPERATIVE
        return path.read_text() if path.exists() else None

    def write(self, name: str, text: str) -> None:
        """Writes a file whole or not at all."""
        partial = self.path / f".{name}.partial"
        partial.write_text(text)
        partial.replace(self.path / name)

    def write_json(self, name: str, content: dict) -> None:
        """Writes a dictionary as JSON."""
        self.write(name, json.dumps(content, indent=2) + "\n")


def _identity(operative):
    """The bindings that make a run what it is, by parameter."""
    return {name: v for name, v in bindings(operative).items() if not name.endswith(FREE)}


def _first_difference(found, operative):
    found, operative = _identity(found), _identity(operative)
    names = sorted(found.keys() | operative.keys())
    name = next(n for n in names if found.get(n) != operative.get(n))
    return f"{name}: {found.get(name, 'not set')} there, {operative.get(name, 'not set')} here"
