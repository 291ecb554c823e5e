"""Which runs stand for a cell of a table, and their mean and standard deviation."""

import dataclasses
import math
import statistics

from tp_keras.report import compare, style
from tp_keras.report.runs import Run

Key = tuple[str, str, str, str]  # dataset, architecture, method, schedule


@dataclasses.dataclass(frozen=True)
class Cell:
    """The runs of one cell: same settings, asked to train as long, one for each seed."""

    runs: list[Run]
    left_out: list[Run]

    @property
    def epochs(self) -> int:
        """Of the longest run: a callback may stop seeds at other epochs."""
        return max(run.result["epochs"] for run in self.runs)

    def mean(self, key: str) -> float | None:
        """Mean over seeds of a number of a run; None if a run lacks it."""
        values = self._values(key)
        return statistics.fmean(values) if values else None

    def std(self, key: str) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        values = self._values(key)
        return statistics.stdev(values) if len(values) > 1 else None

    def curve(self, column: str) -> list[tuple[float, float, float]]:
        """Mean, lowest and highest over seeds, of each epoch that all have; may be empty."""
        columns = [run.epochs[column] for run in self.runs if column in run.epochs]
        return [_spread(values) for values in zip(*columns, strict=False)]

    def _values(self, key):
        values = [run.number(key) for run in self.runs]
        return values if None not in values else []


def cells(runs: list[Run]) -> dict[Key, Cell]:
    """The cell of each dataset, architecture, method and schedule that has a run.

    Only runs that compare with the paper's count: see `compare.why_not`.
    """
    return _cells(run for run in runs if not compare.why_not(run))


def other_cells(runs: list[Run]) -> dict[str, dict[Key, Cell]]:
    """The cells of runs on other data or networks than the paper's, by their title."""
    problems = {}
    for run in runs:
        if not run.is_trial and compare.difference(run):
            problems.setdefault(compare.problem(run), []).append(run)
    return {title: _cells(problems[title]) for title in sorted(problems)}


def by_problem(cells: dict[Key, Cell], others: dict[str, dict[Key, Cell]]) -> dict:
    """The paper's cells by dataset, then `others`: all by their title."""
    found = {}
    for key, cell in cells.items():
        found.setdefault(style.dataset(key[0]), {})[key] = cell
    return found | others


def pick(runs: list[Run]) -> Cell:
    """Chooses by training length, then number of seeds, then name: never by the error.

    A variant, a run in a folder EXPERIMENT+VARIANT/SEED, stands for a cell that has no other runs.
    """
    groups = {}
    plain = [run for run in runs if not run.variant] or runs
    for run in sorted(plain, key=lambda run: run.name.split("/")):
        seeds = groups.setdefault((run.settings, run.asked_epochs), {})
        seeds.setdefault(run.result["seed"], run)
    chosen = max(groups, key=lambda group: (group[1], len(groups[group])))
    picked = list(groups[chosen].values())
    return Cell(picked, [run for run in runs if run not in picked])


def why_left_out(run: Run, cell: Cell) -> str:
    """Why another run of its cell is shown in place of this one."""
    shown = cell.runs[0]
    if run.variant and not shown.variant:
        return f"its cell shows {shown.name}, which is no variant"
    if run.asked_epochs < shown.asked_epochs:
        epochs = f"{shown.asked_epochs} epochs and not {run.asked_epochs}"
        return f"its cell shows {shown.name}, of {epochs}"
    if run.settings != shown.settings:
        return f"its cell shows {shown.name}, of other settings with as many seeds or more"
    return f"its cell shows another run of seed {run.result['seed']}"


def _cells(runs):
    groups = {}
    for run in runs:
        groups.setdefault(run.cell, []).append(run)
    return {cell: pick(group) for cell, group in groups.items()}


def _spread(values):
    finite = [value for value in values if math.isfinite(value)]
    return (statistics.fmean(finite), min(finite), max(finite)) if finite else (math.nan,) * 3
