"""Finds run folders: what a run was, how it ended, and its epochs."""

import dataclasses
import math
import os
import pathlib
import re

from tp_keras.lines import visible
from tp_keras.report import files, records, series, shared

CELL = ("dataset", "architecture", "method", "schedule")
MARKS = {"result.json", "epochs.csv", "operative.gin", "trial.json"}


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One finished run.

    Attributes:
      path: The run's folder.
      name: The folder as the report shows it: below --runs, printable.
      result: The fields of `result.json`, as `records.read_result` returns them.
      epochs: Columns of `epochs.csv` by name, as `series.read_epochs` returns them; {} if
        unreadable.
      diagnostics: As `series.read_diagnostics` returns them; {} if there are none.
      images: An autoencoder's first inputs and reconstructions, (n, 28, 28); () if it kept none.
      operative: The text of `operative.gin`, empty if there is none.
      is_trial: Whether a search made the run, so that it stands for no cell of a table.
    """

    path: pathlib.Path
    name: str
    result: dict
    epochs: dict[str, list]
    diagnostics: dict[str, dict[int, list[tuple[int, float]]]]
    images: tuple
    operative: str
    is_trial: bool

    @property
    def cell(self) -> tuple[str, str, str, str]:
        """Dataset, architecture, method and schedule: the cell of a table."""
        return tuple(self.result[key] for key in CELL)

    @property
    def in_percent(self) -> bool:
        """Whether its errors are percentages, not squared errors or losses."""
        return self.result["errors_are"] == records.PERCENT

    @property
    def settings(self) -> str:
        """All that two seeds of one experiment share."""
        return shared.shared_settings(self.operative)

    @property
    def variant(self) -> str:
        """What a run has other than its experiment file, where its folder says so.

        Folders are EXPERIMENT+VARIANT, or EXPERIMENT+VARIANT/SEED.
        """
        parts = (name.partition("+")[2] for name in reversed(self.name.split("/")[-2:]))
        return next(filter(None, parts), "")

    @property
    def asked_epochs(self) -> int:
        """How long it was to train: longer than it did where a callback stopped it early."""
        return self.result["asked_epochs"] or self.result["epochs"]

    def setting(self, name: str) -> str | None:
        """A binding's value in `operative.gin`, such as that of `load.image_size`, as text."""
        return shared.setting(self.operative, name)

    def whole_number(self, name: str) -> int | None:
        """A binding's value if it is a whole number."""
        value = self.setting(name) or ""
        return int(value) if re.fullmatch(r"[0-9]{1,12}", value) else None

    @property
    def auxiliary_units(self) -> int | None:
        """AO-SDTP's auxiliary output size; None for a run that has none."""
        return self.whole_number("AOSDTP.auxiliary_units")

    @property
    def held_out(self) -> int:
        """Training examples that were kept apart."""
        said = self.result["validation_examples"]
        return (self.whole_number("load.validation_examples") or 0) if said is None else said

    def number(self, key: str) -> float | None:
        """A number of `result.json`, or one that `epochs.csv` gives; None if there is none."""
        if key == "forward_epochs":
            phases = self.epochs.get("phases", [""])
            return sum("forward" in phase for phase in phases) if all(phases) else None
        chosen = self._chosen() if key == "chosen_test_error" else None
        return self.result.get(key) if chosen is None else chosen

    def _chosen(self):
        """The test error at the first epoch of the lowest error on held-out data."""
        held_out = self.epochs.get("validation_error", [])
        pairs = zip(held_out, self.epochs.get("test_error", []), strict=False)
        pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
        return min(pairs, key=lambda pair: pair[0])[1] if pairs else None


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
    """Reads every run folder at any depth below `root`; links are named and not followed.

    Raises:
      ValueError: If `root` is not a folder or holds no finished run.
    """
    if not root.is_dir():
        raise ValueError(f"--runs must be a folder of runs, received {visible(root)}")
    found = Found()
    for folder in _folders(root, found.warnings):
        name = visible(folder.relative_to(root).as_posix())
        if not os.path.lexists(folder / "result.json"):
            found.unfinished.append(name)
            if os.path.lexists(folder / "trial.json"):
                found.stopped_trials.append(name)
            continue
        run = _foreign(folder / "result.json", "skipped", found.warnings, _read, name, found)
        if run:
            # A run of no epoch has no numbers to show
            found.runs.append(run) if run.result["epochs"] else found.unfinished.append(name)
    if not found.runs:
        counts = f"{len(found.unfinished)} unfinished, {len(found.warnings)} unreadable"
        raise ValueError(f"--runs must hold a finished run, received {visible(root)} ({counts})")
    return found


def _folders(root, warnings):
    """The folders at and below `root` that hold a file of a run, in order."""
    waiting, found = [root], []
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                entries = list(entries)
        except OSError as error:
            warnings.append(f"left out {visible(folder)}: {files.reason(error)}")
            continue
        if MARKS & {entry.name for entry in entries}:
            found.append(folder)
        for entry in entries:
            if entry.is_symlink():
                if os.path.isdir(entry.path):
                    warnings.append(f"left out {visible(entry.path)}: it is a link to a folder")
            elif entry.is_dir():
                waiting.append(folder / entry.name)
    return sorted(found)


def _read(path, name, found):
    folder = path.parent
    gin = folder / "operative.gin"
    try:
        operative = records.read_operative(gin) if os.path.lexists(gin) else ""
    except (ValueError, OSError) as error:
        raise ValueError(f"its operative.gin: {files.reason(error)}") from error
    result = records.read_result(path, operative)

    def optional(file, read, *arguments):
        exists = os.path.lexists(folder / file)
        return (
            _foreign(folder / file, "left out", found.warnings, read, *arguments)
            if exists
            else None
        )

    return Run(
        path=folder,
        name=name,
        result=result,
        epochs=optional("epochs.csv", series.read_epochs, result) or {},
        diagnostics=optional("diagnostics.csv", series.read_diagnostics) or {},
        images=optional("reconstructions.npz", series.read_images) or (),
        operative=operative,
        is_trial=os.path.lexists(folder / "trial.json"),
    )


def _foreign(path, verdict, warnings, read, *arguments):
    """What `read` makes of a file; None, with a line of warning, if it cannot be used."""
    try:
        return read(path, *arguments)
    # csv, zipfile, zlib and NumPy raise a dozen kinds of error at files that others made
    except Exception as error:
        warnings.append(f"{verdict} {visible(path)}: {files.reason(error)}")
        return None
