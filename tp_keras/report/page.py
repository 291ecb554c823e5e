"""The page that shows all of a report in a browser: one file, no network."""

import base64
import html

from tp_keras.report import compare, formats
from tp_keras.report.cells import Cell, Key, why_left_out
from tp_keras.report.figures import Figure
from tp_keras.report.runs import Found, Run
from tp_keras.report.tables import Table

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 80em; padding: 0 1em; }
body { overflow-wrap: anywhere; } h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .5em; text-align: right; white-space: nowrap; }
tbody th, .runs td, .runs th { text-align: left; font-weight: normal; }
thead th { border-bottom: 1px solid #999; } .group { text-align: center; }
thead th { white-space: normal; min-width: 2.6em; }
thead .group { min-width: 5.5em; } thead .group:empty { min-width: 0; }
thead th:first-child { text-align: left; }
tbody .net th { font-weight: bold; padding-top: .6em; }
tbody tr:nth-child(even):not(.net) { background: #8881; }
.runs td:last-child { white-space: normal; min-width: 16em; }
.wide { overflow-x: auto; overflow-wrap: normal; } .notes { font-size: 13px; }
figure { margin: 1em 0; } img { max-width: 100%; height: auto; }
.notes, .missing { opacity: .75; } .missing { margin: .2em 0; }
@media (max-width: 40em) {
  body { margin: 1em auto; } .many { max-width: none; width: 38em; }
  tbody td:first-child, tbody th:first-child, thead tr:last-child th:first-child {
    background: Canvas; left: 0; max-width: 9em; min-width: 6em; overflow-wrap: anywhere;
    position: sticky; white-space: normal; }
}
@media print { body { max-width: none; font-size: 10pt; } table { font-size: 7pt; } }
"""
NARROW = 6  # inches: a wider figure scrolls on a phone, so that its letters can be read
COLUMNS = (
    "run",
    "dataset",
    "net",
    "method",
    "schedule",
    "seed",
    "epochs",
    "best test error",
    "shown in",
)


def page(
    tables: list[Table],
    drawn: list[Figure],
    pictures: dict[str, bytes],
    found: Found,
    left_out: list[str],
) -> str:
    """The whole of `index.html`.

    Args:
      pictures: Each drawn figure as SVG, by the name of its file.
      left_out: A line for each run that does not stand beside the paper's numbers.
    """
    shown = [table for table in tables if table.cells]
    common = dict.fromkeys(note for table in shown for note in table.common)
    body = [f"<h1>Runs beside the paper</h1>\n<p>{html.escape(summary(found))}</p>"]
    body += [_items(common, " class='notes'"), *map(_table, tables)]
    body += [_figure(figure, pictures.get(f"{figure.name}.svg")) for figure in drawn]
    body += [_runs(tables, drawn, found), _list("Not in the paper's tables", left_out)]
    body += [_list("Unfinished, not used", found.unfinished), _list("Warnings", found.warnings)]
    view = "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    head = f"<meta charset='utf-8'>{view}<title>Report</title><style>{STYLE}</style>"
    whole = "\n".join(part for part in body if part)
    return f"<!DOCTYPE html>\n<html lang='en'><head>{head}</head><body>\n{whole}\n</body></html>\n"


def summary(found: Found) -> str:
    """How many runs there are, in one line."""
    trials = sum(run.is_trial for run in found.runs)
    kinds = f"{len(found.runs)} finished runs" + (f", {trials} of them trials" if trials else "")
    stopped = f" ({len(found.stopped_trials)} trials)" if found.stopped_trials else ""
    skipped = f"{len(found.unfinished)} unfinished skipped{stopped}"
    return f"{kinds}; {skipped}; warnings: {len(found.warnings)}."


def left_out(runs: list[Run], cells: dict[Key, Cell]) -> list[str]:
    """Why runs stand for no cell of the paper's tables, a line each; trials go without saying."""
    reasons = {run: compare.why_not(run) for run in runs if not run.is_trial}
    for cell in cells.values():
        reasons |= {run: why_left_out(run, cell) for run in cell.left_out}
    return [f"{run.name}: {reason}" for run, reason in reasons.items() if reason]


def _table(table):
    if table.cells:
        return formats.as_html(table)
    return f"<p class='missing'>{html.escape(table.title)}: no run of it.</p>"


def _figure(figure, picture):
    if picture is None:
        missing = html.escape(f"{figure.title} is not drawn: it needs {figure.needs}.")
        return f"<p class='missing'>{missing}</p>" if figure.needs else ""
    size = " class='many'" if figure.drawing.figure.get_figwidth() > NARROW else ""
    encoded, title = base64.b64encode(picture).decode(), html.escape(figure.title)
    return (
        f"<h2>{title}</h2>\n<figure><div class='wide'>"
        f"<img{size} alt='{title}' src='data:image/svg+xml;base64,{encoded}'></div>"
        f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
    )


def _runs(tables, drawn, found):
    """Every finished run with the tables and figures that show it."""
    shown = {}
    for table in tables:
        for run in (run for cell in table.cells for run in cell.runs):
            shown.setdefault(run, []).append(table.number or f"Table: {table.subject}")
    for figure in drawn:
        for run in dict.fromkeys(figure.drawing.runs if figure.drawing else ()):
            shown.setdefault(run, []).append(figure.title)
    runs = [run for run in found.runs if not run.is_trial]
    trials = [run for run in found.runs if run.is_trial]
    search = (
        f"<details><summary>Trials of searches</summary>\n{_list_runs(trials, shown)}</details>"
    )
    return f"<h2>Runs</h2>\n{_list_runs(runs, shown)}" + (f"\n{search}" if trials else "")


def _list_runs(runs, shown):
    header = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(_run(run, shown.get(run, ["nothing"])) for run in runs)
    return (
        "<div class='wide'><table class='runs'>"
        f"<thead><tr>{header}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
    )


def _run(run, places):
    texts = [run.name, *run.cell, run.result["seed"], run.result["epochs"]]
    texts += [f"{run.result['best_test_error']:.2f}", ", ".join(places)]
    cells = "".join(f"<td>{html.escape(str(text))}</td>" for text in texts)
    return f"<tr>{cells}</tr>\n"


def _list(title, lines):
    return f"<h2>{title}</h2>\n{_items(lines)}" if lines else ""


def _items(lines, look=""):
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul{look}>{items}</ul>" if lines else ""
