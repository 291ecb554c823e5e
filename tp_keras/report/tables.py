"""Tables 1 and 2 beside the paper's, and those of other data: as records and as rows of text."""

import dataclasses

from tp_keras.report import compare, paper, style
from tp_keras.report.cells import Cell, Key

CELL = ("dataset", "architecture", "method", "schedule")
NETS = ("fc", "lc", "conv")
NOTES = (
    "Errors in percent where the title names no other unit; the mean over seeds, ± the standard "
    "deviation where there are two or more. Difference: ours minus the paper's.",
    "Best epoch: the lowest test error over the epochs, the paper's convention (best of 500).",
    "Forward epochs: those that train the network; alternating schedules count the inverses' too "
    "among the epochs.",
)
CHOSEN_NOTE = (
    "Chosen by validation: the test error of the epoch that is best on held-out training data."
)
EMPTY_NOTE = "An empty field has no run; - marks what the paper does not print."
RUNNING, MEASURED = "running mean", "at the last weights"
TRAIN_NOTES = {
    RUNNING: "Train, running mean: over the last epoch while weights move, so that the last "
    "weights' own train error is mostly lower.",
    MEASURED: "Train, at the last weights: measured over the training set after the last epoch.",
}


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A number of a cell: its field in the records, in a run, and in the paper's table."""

    name: str
    ours: str
    theirs: str | None
    heading: str


TABLE_1 = (
    Quantity("train_error", "final_train_error", "train_error", "Train"),
    Quantity("test_error", "best_test_error", "test_error", "Test, best epoch"),
    Quantity("chosen_test_error", "chosen_test_error", None, "Test, chosen by validation"),
    Quantity("last_test_error", "final_test_error", None, "Test, last epoch"),
)
TABLE_2 = (
    Quantity("top1_error", "best_test_error", "top1_error", "Top-1, best epoch"),
    Quantity("top5_error", "best_test_top5_error", "top5_error", "Top-5, best epoch"),
    Quantity("chosen_top1_error", "chosen_test_error", None, "Top-1, chosen by validation"),
    Quantity("last_top1_error", "final_test_error", None, "Top-1, last epoch"),
)
OTHER = tuple(dataclasses.replace(quantity, theirs=None) for quantity in TABLE_1)
COUNTS = ("all", "forward", "seeds")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as shown: `(text, columns)` groups over the columns, rows by section, notes below.

    `number` is the paper's, empty for other data; `records` is the same table as numbers, one
    dictionary a cell; `notes` are its own, `common` those that all tables share.
    """

    name: str
    number: str
    subject: str
    groups: list[tuple[str, int]]
    columns: list[str]
    sections: dict[str, list[list[str]]]
    records: list[dict]
    notes: list[str]
    common: tuple[str, ...]
    cells: list[Cell]

    @property
    def title(self) -> str:
        return f"{self.number}: {self.subject}" if self.number else self.subject


def tables(cells: dict[Key, Cell], others: dict[str, dict[Key, Cell]] | None = None) -> list[Table]:
    """Tables 1 (a), 1 (b) and 2, then one for each title of `others` that has errors."""
    first, second = paper.table(1), paper.table(2)
    # The paper could not run DFA on ImageNet: its row has a place and no number
    second[("imagenet2012", "lc", "dfa", "")] = {}
    found = [
        _table("table1a", "Table 1 (a)", "MNIST", _part(cells, "mnist"), _part(first, "mnist")),
        _table(
            "table1b", "Table 1 (b)", "CIFAR-10", _part(cells, "cifar10"), _part(first, "cifar10")
        ),
        _table(
            "table2", "Table 2", "ImageNet, test errors", _part(cells, "imagenet2012"),
            _part(second, "imagenet2012"), TABLE_2,
        ),
    ]  # fmt: skip
    for place, (title, group) in enumerate((others or {}).items(), start=1):
        found.append(_table(f"other{place}", "", title, group, {}, OTHER))
    return found


def _part(table, dataset):
    """The classifiers of one dataset."""
    return {key: v for key, v in table.items() if key[0] == dataset and key[1] in NETS}


def _table(name, number, subject, cells, printed, quantities=TABLE_1):
    keys = sorted({**printed, **cells}, key=lambda key: (_net_order(key[1]), style.order(*key[1:])))
    records = {k: _record(k, cells.get(k), printed.get(k), quantities) for k in keys}
    kinds = {record.get("train_error_is") for record in records.values()} - {None}
    quantities = [quantity for quantity in quantities if _is_shown(quantity, records)]
    chosen = any(quantity.ours == "chosen_test_error" for quantity in quantities)
    sections = {}
    for key in keys:
        row = [style.label("", *key[2:]), *_texts(records[key], quantities, len(kinds) > 1)]
        sections.setdefault(style.net(key[1]), []).append(row)
    groups, columns = _header(quantities, kinds)
    notes = [TRAIN_NOTES[kind] for kind in sorted(kinds)] + [CHOSEN_NOTE] * chosen
    notes += [EMPTY_NOTE] * bool(printed)
    notes += _notes({key: cells[key] for key in keys if key in cells})
    return Table(
        name, number, subject, groups, columns, sections, list(records.values()), notes, NOTES,
        list(cells.values()),
    )  # fmt: skip


def _is_shown(quantity, records):
    """Whether the paper prints a quantity, or some run has it."""
    return quantity.theirs or any(r[quantity.name] is not None for r in records.values())


def _net_order(net):
    return (NETS.index(net) if net in NETS else len(NETS)), net


def _record(key, cell, printed, quantities):
    record = dict(zip(CELL, key, strict=True))
    record |= {"epochs": cell.epochs if cell else None, "forward_epochs": None, "seeds": None}
    if cell:
        record |= {"forward_epochs": cell.mean("forward_epochs"), "seeds": len(cell.runs)}
    for quantity in quantities:
        record |= _numbers(quantity, cell, printed)
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}


def _numbers(quantity, cell, printed):
    """A quantity's fields of a record."""
    name, ours, kind = quantity.name, quantity.ours, {}
    if name == "train_error":
        measured = bool(cell) and cell.mean("measured_train_error") is not None
        ours = "measured_train_error" if measured else ours
        kind = {"train_error_is": (MEASURED if measured else RUNNING) if cell else None}
    mean = cell.mean(ours) if cell else None
    fields = {name: mean, f"{name}_std": cell.std(ours) if cell else None} | kind
    if quantity.theirs:
        number = (printed or {}).get(quantity.theirs)
        gap = mean - number if None not in (mean, number) else None
        fields |= {f"{name}_paper": number, f"{name}_difference": gap}
    return fields


def _texts(record, quantities, mixed):
    """A record's fields as shown, empty where there is no run; `mixed` marks running means."""
    texts = []
    for quantity in quantities:
        mean, std = record[quantity.name], record[f"{quantity.name}_std"]
        spread = f" ± {std:.2f}" if std is not None else ""
        star = "*" * (
            mixed and quantity.name == "train_error" and record["train_error_is"] == RUNNING
        )
        texts.append("" if mean is None else f"{mean:.2f}{spread}{star}")
        if quantity.theirs:
            number, gap = (record[f"{quantity.name}_{part}"] for part in ("paper", "difference"))
            texts.append("-" if number is None else f"{number:.2f}")
            texts.append("" if gap is None else f"{gap:+.2f}")
    counts = (record["epochs"], record["forward_epochs"], record["seeds"])
    return texts + ["" if count is None else f"{count:.0f}" for count in counts]


def _header(quantities, kinds):
    """The upper header as `(text, columns)` and the lower one; it says what train errors are."""
    train = f"Train (* {RUNNING})" if len(kinds) > 1 else ", ".join(["Train", *kinds])
    alone = "ours" if any(quantity.theirs for quantity in quantities) else "error"
    groups, columns = [("", 1)], ["Method"]
    for quantity in quantities:
        heading = train if quantity.name == "train_error" else quantity.heading
        groups.append((heading, 3 if quantity.theirs else 1))
        columns += ["ours", "paper", "diff."] if quantity.theirs else [alone]
    return [*groups, ("Epochs", 2), ("", 1)], [*columns, *COUNTS]


def _notes(cells):
    """What is to be said of runs, a line for all cells of which it is to be said."""
    said = {}
    for key, cell in cells.items():
        of_cell = {compare.held_out(run) for run in cell.runs}
        of_cell |= {f"variant {run.variant}" for run in cell.runs if run.variant}
        for note in sorted(of_cell - {""}):
            said.setdefault(note, []).append(f"{style.net(key[1])} {style.label('', *key[2:])}")
    number = max(len(cells), 2)  # a cell alone is named
    return [
        f"{'All cells' if len(names) == number else '; '.join(names)}: {note}."
        for note, names in said.items()
    ]
