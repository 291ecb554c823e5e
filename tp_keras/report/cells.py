"""Which runs stand for a cell of a table, and their mean and standard deviation."""

import dataclasses
import statistics

from tp_keras.report import paper
from tp_keras.report.runs import Run


@dataclasses.dataclass(frozen=True)
class Cell:
    """The runs of one cell: same settings and epochs, one for each seed."""

    runs: list[Run]
    left_out: list[Run]

    @property
    def epochs(self) -> int:
        return self.runs[0].result["epochs"]

    def mean(self, key: str) -> float | None:
        """Mean over seeds of a number of `result.json`; None if a run lacks it."""
        values = self._values(key)
        return statistics.fmean(values) if values else None

    def std(self, key: str) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        values = self._values(key)
        return statistics.stdev(values) if len(values) > 1 else None

    def curve(self, column: str) -> list[float]:
        """Mean over seeds of a column of `epochs.csv`; empty if no run has it."""
        columns = [run.epochs[column] for run in self.runs if column in run.epochs]
        return [statistics.fmean(values) for values in zip(*columns, strict=False)]

    def _values(self, key):
        values = [run.result.get(key) for run in self.runs]
        return values if None not in values else []


def cells(runs: list[Run]) -> dict[tuple[str, str, str, str], Cell]:
    """The cell of each dataset, architecture, method and schedule that has a run.

    Trials of a search stand for no cell, nor do runs of another auxiliary output size or another
    part of the data than the paper's.
    """
    groups = {}
    for run in runs:
        if not run.is_trial and _has_paper_size(run) and not is_subset(run):
            groups.setdefault(run.cell, []).append(run)
    return {cell: pick(group) for cell, group in groups.items()}


def pick(runs: list[Run]) -> Cell:
    """Chooses by training length, then number of seeds, then name: never by the error."""
    groups = {}
    for run in sorted(runs, key=lambda run: run.name):
        seeds = groups.setdefault((run.settings, run.result["epochs"]), {})
        seeds.setdefault(run.result["seed"], run)
    chosen = max(groups, key=lambda group: (group[1], len(groups[group])))
    picked = list(groups[chosen].values())
    return Cell(picked, [run for run in runs if run not in picked])


def is_subset(run: Run) -> bool:
    """Whether a run says that it trained on a part of the paper's training set."""
    examples = run.result.get("train_examples")
    full = paper.TRAIN_EXAMPLES.get(run.result["dataset"])
    return None not in (examples, full) and examples < full


def _has_paper_size(run):
    units = paper.AUXILIARY_UNITS.get(run.result["dataset"])
    return None in (units, run.auxiliary_units) or run.auxiliary_units == units
