"""A table as Markdown, CSV, LaTeX and HTML."""

import csv
import html
import io

from tp_keras.report.tables import Table


def markdown(table: Table) -> str:
    """The table in Markdown, which has one header: the groups' names are spelled out in it."""
    over = [text for text, columns in table.groups for _ in range(columns)]
    pairs = zip(over, table.columns, strict=True)
    header = [f"{group}: {column}" if group else column for group, column in pairs]
    lines = [f"### {table.title}", "", _line(header)]
    lines.append("|:--|" + "--:|" * (len(header) - 1))
    lines += [_line(row) for row in table.rows]
    lines += ["", *(f"- {note}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def as_csv(table: Table) -> str:
    """One line a cell, numbers to four digits, empty fields where there is no run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table.records[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.records)
    return text.getvalue()


def latex(table: Table) -> str:
    """A `table*` for a document that loads booktabs and graphicx."""
    groups = [rf"\multicolumn{{{n}}}{{c}}{{{_tex(text)}}}" for text, n in table.groups]
    notes = " ".join(_tex(note) for note in table.notes)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs,graphicx}",
            r"\begin{table*}",
            rf"\caption{{{_tex(table.title)}. {notes}}}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            " & ".join(groups) + r" \\",
            *_rules(table.groups),
            " & ".join(map(_tex, table.columns)) + r" \\",
            r"\midrule",
            *(" & ".join(map(_tex, row)) + r" \\" for row in table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table*}",
            "",
        ]
    )


def as_html(table: Table) -> str:
    """The table with its notes, for the page."""
    groups = "".join(
        f'<th colspan="{columns}" class="group">{html.escape(text)}</th>'
        for text, columns in table.groups
    )
    columns = "".join(f"<th>{html.escape(text)}</th>" for text in table.columns)
    rows = "".join(_html_row(row) for row in table.rows)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return (
        f"<h2>{html.escape(table.title)}</h2>\n<div class='wide'><table>\n"
        f"<thead><tr>{groups}</tr>\n<tr>{columns}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>\n<ul class='notes'>{notes}</ul>\n"
    )


def _html_row(row):
    cells = "".join(f"<td>{html.escape(text)}</td>" for text in row[1:])
    return f"<tr><th>{html.escape(row[0])}</th>{cells}</tr>\n"


def _line(texts):
    return "| " + " | ".join(texts) + " |"


def _tex(text):
    for plain, command in (("%", r"\%"), ("±", r"$\pm$"), (" x ", r" $\times$ ")):
        text = text.replace(plain, command)
    return text.replace("_", r"\_").replace("&", r"\&")


def _rules(groups):
    """A thin rule under each group of several columns."""
    rules, start = [], 1
    for _, columns in groups:
        if columns > 1:
            rules.append(rf"\cmidrule(lr){{{start}-{start + columns - 1}}}")
        start += columns
    return rules
