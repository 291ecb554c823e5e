"""Writes the tables of results/ from the records beside them: `python launch/results_tables.py`.

A table stands between two comments in a Markdown file of results/, and is made of nothing but the
CSV and JSON files of the runs in the folder, or folders, that the first comment names:

    <!-- table: inverses inverses -->
    ...
    <!-- end of table -->

`--check` writes nothing and ends with 1 where a table is not what its records say.
"""

import csv
import itertools
import json
import math
import pathlib
import re
import sys
from collections.abc import Iterable

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results"
GAPS_AFTER = (2, 6, 12, 18, 25, 32, 38, 46)
BLOCK = re.compile(r"(<!-- table: (\w+) (\S[^\n]*) -->\n).*?(<!-- end of table -->)", re.S)


class Record:
    """What is kept of a run: its rows and its result; errors in percent."""

    def __init__(self, folder: pathlib.Path):
        self.name, self.folder = folder.name, folder
        # Runs of several seeds lie in RUNS/CELL/SEED
        self.cell = folder.parent.name if folder.name.isdecimal() else folder.name
        self.result = json.loads((folder / "result.json").read_text())
        self.rows = read_rows(folder / "epochs.csv")
        diagnostics = folder / "diagnostics.csv"
        self.diagnostics = read_rows(diagnostics) if diagnostics.exists() else []

    def held_out(self, epochs: int | None = None) -> tuple[float, float]:
        """The lowest error on the examples held out, of the first few, and the test error there."""
        pairs = zip(self.forward("validation_error"), self.forward("test_error"), strict=True)
        return min(list(pairs)[:epochs], key=lambda pair: pair[0])

    def chosen(self, epochs: int | None = None) -> float:
        """The test error at the epoch that is best on the examples held out, of the first few."""
        return self.held_out(epochs)[1]

    def of_layers(self, quantity: str) -> list[float]:
        """A column of the last epoch's diagnostics, from layer 1 up; the output's is left out."""
        last = [row for row in self.diagnostics if row["epoch"] == self.diagnostics[-1]["epoch"]]
        return [float(row[quantity] or "nan") for row in last[:-1]]

    def forward(self, column: str) -> list[float]:
        """A column at the epochs in which the network learned."""
        return [float(row[column]) for row in self.rows if "forward" in row["phases"]]


def read_rows(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def records(*folders: pathlib.Path) -> list[Record]:
    """All runs below the folders, by path."""
    paths = [path for folder in folders for path in sorted(folder.rglob("result.json"))]
    return [Record(path.parent) for path in paths]


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def whole(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"


def inverses(folder: pathlib.Path) -> str:
    """Every SDTP cell with tanh and with linear inverses at equal epochs of the network."""
    rows = []
    for record in records(folder):
        leaf, _, activation = record.name.rpartition("_")
        errors = record.forward("test_error")
        curve = " ".join(number(error) for error in errors)
        rows.append([leaf, activation, str(len(errors)), curve, number(min(errors))])
    header = ["cell", "inverse", "epochs of the network", "test error after each", "best"]
    return markdown(header, rows)


def fluctuation(folder: pathlib.Path) -> str:
    """How much the test error changes from one epoch of the network to the next, at the end."""
    found = {}
    for record in records(folder):
        result = record.result
        if result["schedule"]:
            errors = record.forward("test_error")[-11:]
            changes = [abs(b - a) for a, b in itertools.pairwise(errors)]
            cell = (result["architecture"].upper(), result["method"])
            shown = found.setdefault(cell, {"parallel": [], "alternating": []})
            shown[result["schedule"]].append(sum(changes) / len(changes))
    rows = [
        [net, method, *(", ".join(f"{x:.3f}" for x in cell[s]) for s in cell)]
        for (net, method), cell in sorted(found.items())
    ]
    return markdown(["net", "rule", "parallel, by seed", "alternating, by seed"], rows)


def settings(folder: pathlib.Path) -> str:
    """Best and last test error of each setting of an ablation, a column pair for each rule."""
    rules = sorted(path.name for path in folder.iterdir() if path.is_dir())
    found = {}
    for record in records(folder):
        found.setdefault(record.name, {})[record.folder.parent.name] = record.result
    rows = []
    for setting in sorted(found, key=lambda name: (len(name) if name.isdecimal() else 0, name)):
        results = [found[setting].get(rule, {}) for rule in rules]
        names = ("best_test_error", "final_test_error")
        rows.append([setting, *(number(result.get(n)) for result in results for n in names)])
    return markdown(["setting", *(f"{r} {w}" for r in rules for w in ("best", "last"))], rows)


def named(*folders: pathlib.Path) -> list[tuple[str, Record]]:
    """All runs below the folders by cell, with the seed in the names of those that have several."""
    found = sorted(records(*folders), key=lambda record: record.cell)
    cells = [record.cell for record in found]
    several = [cells.count(cell) > 1 for cell in cells]
    seeds = [f", seed {r.result['seed']}" if s else "" for r, s in zip(found, several, strict=True)]
    return [(record.cell + seed, record) for record, seed in zip(found, seeds, strict=True)]


def rules(*folders: pathlib.Path) -> str:
    """The errors of each rule after each epoch, and the training set's at the last weights."""
    rows = []
    for name, record in named(*folders):
        epochs = [record.forward(f"{part}_error") for part in ("train", "test")]
        curves = [" ".join(map(number, errors)) for errors in epochs]
        rows.append([name, *curves, number(record.result["measured_train_error"])])
    names = ("train error, mean over each epoch", "test error after each", "train error at the end")
    return markdown(["rule", *names], rows)


def bp_by_seed(found: Iterable[Record]) -> dict[int, Record]:
    """The runs of BP itself, without its variants."""
    return {r.result["seed"]: r for r in found if "+" not in r.cell and "_bp" in r.cell}


def shared_epochs(record: Record, other: Record) -> int:
    """How many epochs of the network both runs have."""
    return min(len(r.forward("test_error")) for r in (record, other))


def gap(record: Record, reference: Record, epochs: int) -> str:
    """The difference of chosen errors, both among the first few epochs."""
    return f"{record.chosen(epochs) - reference.chosen(epochs):+.2f}"


def scale(folder: pathlib.Path) -> str:
    """Best, last and chosen errors of each cell and seed, and how far behind BP's it is.

    There both are chosen among the epochs that both have.
    """
    found = records(folder)
    bp = bp_by_seed(found)
    rows = []
    for record in sorted(found, key=lambda record: (record.chosen(), record.cell)):
        result, errors = record.result, record.forward("test_error")
        seed, chosen, behind = result["seed"], record.chosen(), ""
        if seed in bp:
            behind = gap(record, bp[seed], shared_epochs(record, bp[seed]))
        trained = number(result["measured_train_error"])
        ends = [number(x) for x in (min(errors), errors[-1], chosen)]
        rows.append([record.cell, str(seed), str(len(errors)), trained, *ends, behind])
    names = ["cell", "seed", "epochs", "train error", "best", "last", "chosen", "behind BP's"]
    return markdown(names, rows)


def gaps(folder: pathlib.Path) -> str:
    """How far each cell's chosen error is behind BP's of its seed, both among the first epochs."""
    found, rows = named(folder), []
    bp = bp_by_seed(record for _, record in found)
    for name, record in found:
        reference = bp[record.result["seed"]]
        if record is not reference:
            shared = shared_epochs(record, reference)
            rows.append(
                [name, *(gap(record, reference, n) if n <= shared else "-" for n in GAPS_AFTER)]
            )
    return markdown(["behind BP's, after epochs", *map(str, GAPS_AFTER)], rows)


def activity(folder: pathlib.Path) -> str:
    """Hidden layers after the last epoch: norms, saturated units, what inverses give back."""
    rows = []
    for record in records(folder):
        if record.diagnostics:
            norms = map(whole, record.of_layers("norm_of_activation"))
            saturated = map(whole, (100 * x for x in record.of_layers("saturation")))
            inverses = record.of_layers("reconstruction_error")
            shown = ["-" if math.isnan(x) else number(x) for x in inverses]
            epoch = record.diagnostics[-1]["epoch"]
            rows.append([record.cell, epoch, *map(" ".join, (norms, saturated, shown))])
    names = ["norm of activations", "saturated, %", "reconstruction error"]
    return markdown(["cell", "epoch", *names], rows)


def angles(folder: pathlib.Path) -> str:
    """Angles to BP's updates and errors, and norms of weights, of hidden layers at the end."""
    rows = []
    for record in records(folder):
        if record.diagnostics:
            quantities = ("angle_of_update", "angle_of_error", "norm_of_kernel")
            columns = [record.of_layers(quantity) for quantity in quantities]
            shown = [" ".join(map(whole, column)) for column in columns]
            seed, epoch = record.result["seed"], record.diagnostics[-1]["epoch"]
            rows.append([record.cell, str(seed), epoch, *shown])
    header = ["cell", "seed", "epoch", "angle of update", "angle of error", "norm of weights"]
    return markdown(header, rows)


def search(folder: pathlib.Path) -> str:
    """Every trial of a search that is complete, the lowest held-out error first."""
    found = sorted(records(folder), key=lambda record: record.held_out()[0])
    trials = [json.loads((record.folder / "trial.json").read_text()) for record in found]
    values = [trial["parameters"] for trial in trials]
    names = [name for name in values[0] if len({value[name] for value in values}) > 1]
    rows = [
        [record.name, *(f"{value[name]:.3g}" for name in names), *map(number, record.held_out())]
        for record, value in zip(found, values, strict=True)
    ]
    return markdown(["trial", *names, "held-out error, lowest", "test error there"], rows)


def ends(*folders: pathlib.Path) -> str:
    """Best, last and, where examples were held out, chosen errors of each run.

    The fall is that of the test error's mean over five epochs, to the last five from those before.
    """
    rows = []
    for name, record in named(*folders):
        result, errors = record.result, record.forward("test_error")
        shown = map(number, (result["measured_train_error"], min(errors), errors[-1]))
        has_held_out = "best_validation_error" in result
        held_out = map(number, record.held_out()) if has_held_out else ["-", "-"]
        fall = number((sum(errors[-10:-5]) - sum(errors[-5:])) / 5) if len(errors) >= 10 else "-"
        rows.append([name, str(len(errors)), *shown, fall, *held_out])
    names = ["run", "epochs of the network", "train error at the end", "best test error", "last"]
    names += ["fall", "held-out error, lowest", "test error there"]
    return markdown(names, rows)


def devices(folder: pathlib.Path, other: pathlib.Path) -> str:
    """By how much test errors of the same runs on another device differ, after each epoch."""
    found = {(record.cell, record.result["seed"]): record for record in records(folder)}
    rows = []
    for name, record in named(other):
        pairs = zip(
            found[record.cell, record.result["seed"]].forward("test_error"),
            record.forward("test_error"),
            strict=False,
        )
        rows.append([name, " ".join(f"{one - two:+.2f}" for one, two in pairs)])
    return markdown(["run", "difference of test errors after each epoch"], rows)


MADE = (
    inverses,
    fluctuation,
    settings,
    rules,
    scale,
    gaps,
    angles,
    activity,
    search,
    ends,
    devices,
)
TABLES = {function.__name__: function for function in MADE}


def filled(text: str) -> str:
    """A page with each of its tables made anew."""

    def made(found: re.Match) -> str:
        opening, name, folders, end = found.groups()
        return f"{opening}{TABLES[name](*(RESULTS / folder for folder in folders.split()))}{end}"

    return BLOCK.sub(made, text)


def main(check: bool) -> int:
    stale = []
    for page in sorted(RESULTS.glob("*.md")):
        text = page.read_text()
        if filled(text) != text:
            stale.append(page.name)
            if not check:
                page.write_text(filled(text))
    print(f"not what the records say: {', '.join(stale)}" if stale else "all tables agree")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
