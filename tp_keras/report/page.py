"""The page that shows all of a report in a browser: one file, no network."""

import base64
import html

from tp_keras.report import figures, formats
from tp_keras.report.figures import Figure
from tp_keras.report.runs import Found
from tp_keras.report.tables import Table

STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 80em; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .5em; text-align: right; white-space: nowrap; }
tbody th, .runs td, .runs th { text-align: left; font-weight: normal; }
thead th { border-bottom: 1px solid #999; } .group { text-align: center; }
thead th { white-space: normal; } thead th:first-child { text-align: left; }
tbody tr:nth-child(even) { background: #f4f4f4; }
.wide { overflow-x: auto; } .notes { color: #555; font-size: 13px; }
figure { margin: 1em 0; } img { max-width: 100%; } .missing { color: #777; }
@media print { body { max-width: none; font-size: 10pt; } table { font-size: 7pt; } }
"""
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


def page(tables: list[Table], drawn: list[Figure], found: Found) -> str:
    """The whole of `index.html`."""
    body = [f"<h1>Runs beside the paper</h1>\n<p>{html.escape(summary(found))}</p>"]
    body += [formats.as_html(table) for table in tables]
    body += [_figure(figure) for figure in drawn]
    body += [_runs(tables, drawn, found), _list("Unfinished, not used", found.unfinished)]
    body += [_list("Warnings", found.warnings)]
    head = f"<meta charset='utf-8'><title>Report</title><style>{STYLE}</style>"
    whole = "\n".join(part for part in body if part)
    return f"<!DOCTYPE html>\n<html lang='en'><head>{head}</head><body>\n{whole}\n</body></html>\n"


def summary(found: Found) -> str:
    """How many runs there are, in one line."""
    trials = sum(run.is_trial for run in found.runs)
    kinds = f"{len(found.runs)} finished runs" + (f", {trials} of them trials" if trials else "")
    stopped = f" ({len(found.stopped_trials)} trials)" if found.stopped_trials else ""
    skipped = f"{len(found.unfinished)} unfinished skipped{stopped}"
    return f"{kinds}; {skipped}; warnings: {len(found.warnings)}."


def _figure(figure):
    title = f"<h2>Figure {figure.number}</h2>"
    if figure.drawing is None:
        needs = html.escape(figure.needs)
        return f"{title}\n<p class='missing'>Not drawn: it needs {needs}; there is none.</p>"
    picture = base64.b64encode(figures.svg(figure)).decode()
    caption = html.escape(f"{figure.caption} {figure.drawing.remark}".strip())
    return (
        f"{title}\n<figure><img alt='{caption}' src='data:image/svg+xml;base64,{picture}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _runs(tables, drawn, found):
    """Every finished run with the tables and figures that show it."""
    shown = {}
    for table in tables:
        for run in (run for cell in table.cells for run in cell.runs):
            shown.setdefault(run, []).append(table.title.partition(":")[0])
    for figure in drawn:
        for run in dict.fromkeys(figure.drawing.runs if figure.drawing else ()):
            shown.setdefault(run, []).append(f"Figure {figure.number}")
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
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2>\n<ul>{items}</ul>"
