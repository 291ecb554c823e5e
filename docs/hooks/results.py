"""Measured numbers: tables made of the records in results/ when the site is built.

`<!-- table: mnist -->`      the cells of Table 1 (a), measured or not; also cifar10, imagenet2012
`<!-- measured: sdtp -->`    what has been measured of a rule, on any data
"""

import pathlib
import re
import sys
import types

REPOSITORY = pathlib.Path(__file__).parents[2]

if "tp_keras" not in sys.modules:
    # Importing the package itself would start TensorFlow, which its report does without
    sys.path.append(str(REPOSITORY))
    sys.modules["tp_keras"] = types.ModuleType("tp_keras")
    sys.modules["tp_keras"].__path__ = [str(REPOSITORY / "tp_keras")]

from tp_keras.report import paper, style  # noqa: E402
from tp_keras.report.cells import Cell, cells, other_cells  # noqa: E402
from tp_keras.report.runs import Run, read_runs  # noqa: E402

EPOCHS_OF_THE_PAPER = 500
NOTHING = "Not measured yet: there is no run of it in `results/`."
FIGURES = {  # of the site, and where the reports of results/ have them
    "figure2.svg": "report/figure2.svg",
    "figure4.svg": "report/figure4.svg",
    "figure6.svg": "autoencoder/report/figure6.svg",
    "figure7.svg": "autoencoder/report/figure7.svg",
    "figure8.svg": "report/figure8.svg",
    "angles.svg": "report/angle_of_update.svg",
}


def on_files(files, config, **_):
    from mkdocs.structure.files import File

    for name, source in FIGURES.items():
        source = str(REPOSITORY / "results" / source)
        files.append(File.generated(config, f"figures/{name}", abs_src_path=source))
    return files


def on_page_markdown(markdown, **_):
    markdown = re.sub(r"<!-- table: (\w+) -->", lambda found: block(table(found[1])), markdown)
    return re.sub(r"<!-- measured: (\w+) -->", lambda found: block(measured(found[1])), markdown)


def block(text: str) -> str:
    """Text whose numbers the style sheet keeps on one line each."""
    return f'<div class="numbers" markdown>\n\n{text}\n\n</div>'


def recorded() -> list[Run]:
    """The runs of results/; of a pair of inverses the one that its experiment file takes."""
    return [run for run in read_runs(REPOSITORY / "results").runs if not is_other_inverse(run)]


def is_other_inverse(run: Run) -> bool:
    if run.path.parent.name != "inverses":
        return False
    leaf, _, activation = run.path.name.rpartition("_")
    experiment = (REPOSITORY / f"gin/{leaf}.gin").read_text()
    return f"inverse_activation = '{activation}'" not in experiment


def by_variant() -> dict[str, list[Run]]:
    """The recorded runs, those of their experiment file alone under the empty name."""
    found = {"": []}
    for run in recorded():
        found.setdefault(run.variant.replace("_", " "), []).append(run)
    return found


def table(dataset: str) -> str:
    """All cells of the paper's table for a dataset, each with what this code measured of it."""
    second = dataset == "imagenet2012"
    theirs, ours = paper.table(2 if second else 1), cells(by_variant()[""])
    error, train = ("top1_error", None) if second else ("test_error", "train_error")
    rows = []
    for key, printed in theirs.items():
        if key[0] == dataset:
            names = [rule_link(key), style.NETS[key[1]]]
            numbers = of_cell(ours.get(key), printed.get(train), printed.get(error))
            rows.append([*names, *numbers, standing(ours.get(key))])
    head = ["method", "network", "train error", "paper", "best test error", "last test error"]
    return markdown_table([*head, "paper", "difference", "epochs x seeds", "state"], rows)


def measured(rule: str) -> str:
    """All cells of a rule that have a run, on the paper's data and on any other."""
    printed, rows = paper.table(1) | paper.table(2), []
    for name, runs in by_variant().items():
        for problem, group in {"": cells(runs), **other_cells(runs)}.items():
            for key, cell in group.items():
                if key[2] == rule:
                    theirs = {} if problem else printed.get(key, {})
                    rows.append(measured_cell(key, cell, problem, name, theirs))
    head = ["problem", "schedule", "train error", "paper", "best test error", "last test error"]
    found = markdown_table([*head, "paper", "difference", "epochs x seeds"], rows)
    return found if rows else NOTHING


def measured_cell(key, cell: Cell, problem: str, variant: str, theirs: dict) -> list[str]:
    """A cell's row, beside the paper's numbers, which are none on a problem of one's own."""
    parts = [problem or f"{style.dataset(key[0])}, {style.NETS[key[1]]}"]
    if not problem and not cell.runs[0].in_percent:
        parts.append(cell.runs[0].result["errors_are"])
    where = ", ".join([*parts, variant] if variant else parts)
    test_error = theirs.get("test_error", theirs.get("top1_error"))
    return [where, key[3] or "-", *of_cell(cell, theirs.get("train_error"), test_error)]


def of_cell(cell: Cell | None, train_paper: float | None, test_paper: float | None) -> list[str]:
    """Train error, best and last test error beside the paper's, and how long it trained."""
    if cell is None:
        return ["", number(train_paper), "", "", number(test_paper), "", ""]
    best = cell.mean("best_test_error")
    difference = "" if test_paper is None else f"{best - test_paper:+.2f}"
    return [
        spread(cell, "final_train_error"), number(train_paper), spread(cell, "best_test_error"),
        spread(cell, "final_test_error"), number(test_paper), difference,
        f"{cell.epochs} x {len(cell.runs)}",
    ]  # fmt: skip


def standing(cell: Cell | None) -> str:
    """Whether a cell is measured as the paper did it, partly, or not at all."""
    if cell is None:
        return "not measured"
    return "measured" if cell.epochs >= EPOCHS_OF_THE_PAPER else "partly"


def rule_link(key) -> str:
    _, _, method, schedule = key
    name = style.NAMES.get(method, method.upper())
    return f"[{name}](rules/{method}.md)" + (f", {schedule}" if schedule else "")


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def spread(cell: Cell, key: str) -> str:
    """The mean over seeds, and the standard deviation where there are several."""
    std = cell.std(key)
    return number(cell.mean(key)) + ("" if std is None else f" ± {std:.2f}")


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """The table without columns in which no row has anything."""
    full = [place for place in range(len(head)) if {row[place] for row in rows} - {"", "-"}]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line[place] for place in full)} |" for line in lines)
