"""Tables 1 and 2: ours beside the paper's, as records and as rows of text."""

import dataclasses

from tp_keras.report import paper, style
from tp_keras.report.cells import Cell

# Column, key in result.json, column of the paper's table
TABLE_1 = (
    ("train_error", "final_train_error", "train_error"),
    ("test_error", "best_test_error", "test_error"),
    ("last_test_error", "final_test_error", None),
)
TABLE_2 = (
    ("top1_error", "best_test_error", "top1_error"),
    ("top5_error", "best_test_top5_error", "top5_error"),
    ("last_top1_error", "final_test_error", None),
)
HEADINGS = {
    "train_error": "Train",
    "test_error": "Test, best epoch",
    "last_test_error": "Test, last epoch",
    "top1_error": "Top-1, best epoch",
    "top5_error": "Top-5",
    "last_top1_error": "Top-1, last epoch",
}
NOTES = (
    "Errors in percent; ours is the mean over seeds, ± the standard deviation where there are "
    "two or more. Difference: ours minus the paper's.",
    "Best epoch: the lowest test error over the epochs, the paper's convention (best of 500). "
    "The train error is that of the last epoch.",
    "An empty cell has no run; - marks what the paper does not print.",
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as shown: title, `(text, columns)` groups over the columns, rows, notes below.

    `records` is the same table as numbers, one dictionary a cell of the paper's.
    """

    name: str
    title: str
    groups: list[tuple[str, int]]
    columns: list[str]
    rows: list[list[str]]
    records: list[dict]
    notes: list[str]
    cells: list[Cell]


def tables(cells: dict[tuple, Cell]) -> list[Table]:
    """Tables 1 (a), 1 (b) and 2."""
    first, second = paper.table(1), paper.table(2)
    # The paper could not run DFA on ImageNet: its row has a place and no number
    second[("imagenet2012", "lc", "dfa", "")] = {}
    return [
        _table1("table1a", "Table 1 (a): MNIST", "mnist", cells, first),
        _table1("table1b", "Table 1 (b): CIFAR-10", "cifar10", cells, first),
        _table2("table2", "Table 2: ImageNet, test errors", cells, second),
    ]


def _table1(name, title, dataset, cells, printed):
    """Rows are methods; FC beside LC, and the ConvNet under LC as in the paper."""
    keys = _keys(dataset, ("fc", "lc", "conv"), cells, printed)
    records = {key: _record(key, cells.get(key), printed.get(key), TABLE_1) for key in keys}
    methods = sorted({(a == "conv", m, s) for _, a, m, s in keys}, key=_order)
    rows = []
    for conv, method, schedule in methods:
        row = [style.label("conv" if conv else "", method, schedule)]
        for architecture in (None, "conv") if conv else ("fc", "lc"):
            row += _texts(records.get((dataset, architecture, method, schedule)), TABLE_1)
        rows.append(row)
    groups, columns = _header((("FC", TABLE_1), ("LC", TABLE_1)))
    return _finish(name, title, groups, columns, rows, records, cells)


def _table2(name, title, cells, printed):
    keys = _keys("imagenet2012", ("lc", "conv"), cells, printed)
    records = {key: _record(key, cells.get(key), printed.get(key), TABLE_2) for key in keys}
    rows = [[style.label(*key[1:]), *_texts(record, TABLE_2)] for key, record in records.items()]
    groups, columns = _header((("", TABLE_2),))
    return _finish(name, title, groups, columns, rows, records, cells)


def _order(row):
    conv, method, schedule = row
    return style.order("conv" if conv else "", method, schedule)


def _keys(dataset, architectures, cells, printed):
    """The paper's cells and those that only we have, in the paper's order."""
    keys = [k for k in {**printed, **cells} if k[0] == dataset and k[1] in architectures]
    return sorted(keys, key=lambda key: (*style.order(*key[1:]), key[1]))


def _record(key, cell, printed, quantities):
    record = dict(zip(("dataset", "architecture", "method", "schedule"), key, strict=True))
    record |= {"epochs": cell.epochs if cell else None, "seeds": len(cell.runs) if cell else None}
    for column, ours, theirs in quantities:
        mean = cell.mean(ours) if cell else None
        record |= {column: mean, f"{column}_std": cell.std(ours) if cell else None}
        if theirs:
            number = (printed or {}).get(theirs)
            difference = mean - number if None not in (mean, number) else None
            record |= {f"{column}_paper": number, f"{column}_difference": difference}
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}


def _texts(record, quantities):
    """A record's fields as shown, empty where there is no run."""
    record = record or {}
    texts = []
    for column, _, theirs in quantities:
        mean, std = record.get(column), record.get(f"{column}_std")
        texts.append(
            "" if mean is None else f"{mean:.2f}" + (f" ± {std:.2f}" if std is not None else "")
        )
        if theirs:
            number, difference = (record.get(f"{column}_{k}") for k in ("paper", "difference"))
            texts.append("-" if number is None else f"{number:.2f}")
            texts.append("" if difference is None else f"{difference:+.2f}")
    return [*texts, f"{record['epochs']} x {record['seeds']}" if record.get("seeds") else ""]


def _header(parts):
    """The upper header as `(text, columns)` and the lower one."""
    groups, columns = [("", 1)], ["Method"]
    for prefix, quantities in parts:
        for column, _, theirs in quantities:
            groups.append((f"{prefix} {HEADINGS[column]}".strip(), 3 if theirs else 1))
            columns += ["ours", "paper", "diff."] if theirs else ["ours"]
        groups.append((f"{prefix} Epochs".strip(), 1))
        columns.append("x seeds")
    return groups, columns


def _finish(name, title, groups, columns, rows, records, cells):
    used = {key: cells[key] for key in records if key in cells}
    notes = list(NOTES)
    for key, cell in used.items():
        if cell.left_out:
            net = "" if key[1] == "conv" else f"{style.NETS[key[1]]} "
            what = net + style.label(*key[1:])
            notes.append(
                f"{what}: {len(cell.left_out)} more of its runs not shown; the longest training "
                "counts, then the settings with most seeds, never the error."
            )
    shown = list(records.values())
    return Table(name, title, groups, columns, rows, shown, notes, list(used.values()))
