"""Reads run folders: what a run was, how it ended, and its epochs."""

import csv
import dataclasses
import json
import math
import pathlib
import re
import zipfile

import numpy as np

TEXTS = ("dataset", "architecture", "method", "schedule")
COUNTS = ("seed", "epochs")
DIGITS = 10  # of the images that an autoencoder kept, enough for a figure
ERRORS = ("best_test_error", "final_test_error", "final_train_error")
# A setting that may differ between the seeds of one experiment
FREE = re.compile(
    r"^(\S*\.)?(seed|epochs|run_dir|data_dir|paper_error|steps_per_execution|jit_compile|callbacks"
    r"|Diagnostics\.every) *="
)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One finished run.

    Attributes:
      path: The run's folder.
      name: The folder as the report shows it: below --runs.
      result: The content of `result.json`; errors in percent.
      epochs: Columns of `epochs.csv` by name, NaN where a field is empty; {} if unreadable.
      images: An autoencoder's first inputs and reconstructions, (n, 28, 28); () if it kept none.
      operative: The text of `operative.gin`, empty if there is none.
      is_trial: Whether a search made the run, so that it stands for no cell of a table.
    """

    path: pathlib.Path
    name: str
    result: dict
    epochs: dict[str, list[float]]
    images: tuple
    operative: str
    is_trial: bool

    @property
    def cell(self) -> tuple[str, str, str, str]:
        """Dataset, architecture, method and schedule: the cell of a table."""
        return tuple(self.result[key] for key in TEXTS)

    @property
    def settings(self) -> str:
        """All that two seeds of one experiment share."""
        lines = [line for line in self.operative.splitlines() if not line.startswith("#")]
        return "\n".join(line for line in lines if line.strip() and not FREE.match(line))

    @property
    def auxiliary_units(self) -> int | None:
        """AO-SDTP's auxiliary output size; None for a run that has none."""
        found = re.search(r"^(?:\S*\.)?AOSDTP\.auxiliary_units *= *(\d+)", self.operative, re.M)
        return int(found[1]) if found else None


@dataclasses.dataclass
class Found:
    """What lies under a folder: finished runs, names of unfinished ones, lines of warning.

    A trial that diverged or was stopped is among the unfinished and in `stopped_trials`.
    """

    runs: list[Run] = dataclasses.field(default_factory=list)
    unfinished: list[str] = dataclasses.field(default_factory=list)
    stopped_trials: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def read_runs(root: pathlib.Path) -> Found:
    """Reads every run folder at any depth below `root`.

    Raises:
      ValueError: If `root` is not a folder or holds no finished run.
    """
    if not root.is_dir():
        raise ValueError(f"--runs must be a folder of runs, received {root}")
    found = Found()
    marks = ("result.json", "epochs.csv", "operative.gin", "trial.json")
    for folder in sorted({path.parent for mark in marks for path in root.rglob(mark)}):
        name = folder.relative_to(root).as_posix()
        if not (folder / "result.json").exists():
            found.unfinished.append(name)
            if (folder / "trial.json").exists():
                found.stopped_trials.append(name)
            continue
        try:
            run = _read_run(folder, name, found.warnings)
        except (ValueError, OSError) as error:
            found.warnings.append(f"skipped {folder / 'result.json'}: {error}")
        else:
            # A run of no epoch has no numbers to show
            found.runs.append(run) if run.result["epochs"] else found.unfinished.append(name)
    if not found.runs:
        counts = f"{len(found.unfinished)} unfinished, {len(found.warnings)} unreadable"
        raise ValueError(f"--runs must hold a finished run, received {root} ({counts})")
    return found


def _read_run(folder, name, warnings):
    try:
        result = json.loads((folder / "result.json").read_text())
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from error
    _check(result)
    gin = folder / "operative.gin"
    return Run(
        path=folder,
        name=name,
        result=result,
        epochs=_optional(folder / "epochs.csv", _read_epochs, warnings) or {},
        images=_optional(folder / "reconstructions.npz", _read_images, warnings) or (),
        operative=gin.read_text() if gin.exists() else "",
        is_trial=(folder / "trial.json").exists(),
    )


def _optional(path, read, warnings):
    """What `read` makes of a file; None, with a warning if it is malformed."""
    try:
        return read(path) if path.exists() else None
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        warnings.append(f"left out {path}: {error}")
        return None


def _check(result):
    """Raises ValueError where a result lacks what the tables show."""
    if not isinstance(result, dict):
        raise ValueError(f"must be an object, received {result!r}")
    for key in TEXTS:
        if not isinstance(result.get(key), str):
            raise ValueError(f"{key} must be text, received {result.get(key)!r}")
    for key in COUNTS:
        if type(result.get(key)) is not int:
            raise ValueError(f"{key} must be a whole number, received {result.get(key)!r}")
    for key in ERRORS if result["epochs"] else ():
        value = result.get(key)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError(f"{key} must be a number, received {value!r}")


def _read_epochs(path):
    """The numeric columns of an `epochs.csv` by name."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError("it has no rows")
    if None in rows[0] or any(None in row.values() for row in rows):
        raise ValueError("a row is shorter or longer than the header")
    names = [name for name in rows[0] if name != "phases"]
    return {name: [float(row[name] or "nan") for row in rows] for name in names}


def _read_images(path):
    with np.load(path) as arrays:
        pair = tuple(arrays[name][:DIGITS] for name in ("inputs", "reconstructions"))
    if any(images.shape != (len(pair[0]), 28, 28) for images in pair):
        raise ValueError(f"images must be (n, 28, 28), received {[i.shape for i in pair]}")
    return pair
