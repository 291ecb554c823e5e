"""A table as Markdown, CSV, LaTeX and HTML, its texts escaped for each."""

import csv
import html
import io
import re

from tp_keras.report.tables import Table

TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    "[": "{[}",
    "±": r"$\pm$",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}


def markdown(table: Table) -> str:
    """A table in Markdown for each net; the groups' names are spelled out in its one header."""
    over = [text for text, columns in table.groups for _ in range(columns)]
    pairs = zip(over, table.columns, strict=True)
    header = [f"{group}: {column}" if group else column for group, column in pairs]
    lines = [f"### {_md(table.title)}", ""]
    for net, rows in table.sections.items():
        lines += [f"#### {_md(net)}", "", _line(header)]
        lines += ["|:--|" + "--:|" * (len(header) - 1), *map(_line, rows), ""]
    lines += [f"- {_md(note)}" for note in (*table.notes, *table.common)]
    return "\n".join(lines) + "\n"


def as_csv(table: Table) -> str:
    """One line a cell, numbers to four digits, empty fields where there is no run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table.records[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _field(v) for k, v in record.items()} for record in table.records)
    return text.getvalue()


def latex(table: Table) -> str:
    """A `table*` for a document that loads booktabs and graphicx; LaTeX numbers it."""
    groups = [rf"\multicolumn{{{n}}}{{c}}{{{_tex(text)}}}" for text, n in table.groups]
    notes = " ".join(_tex(note) for note in (*table.notes, *table.common))
    return "\n".join(
        [
            r"% needs \usepackage{booktabs,graphicx}",
            r"\begin{table*}",
            rf"\caption{{{_tex(table.subject)}. {notes}}}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            " & ".join(groups) + r" \\",
            *_rules(table.groups),
            " & ".join(map(_tex, table.columns)) + r" \\",
            *_tex_rows(table),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table*}",
            "",
        ]
    )


def as_html(table: Table) -> str:
    """The table with its own notes, for the page."""
    groups = "".join(
        f'<th colspan="{columns}" class="group">{html.escape(text)}</th>'
        for text, columns in table.groups
    )
    columns = "".join(f"<th>{html.escape(text)}</th>" for text in table.columns)
    rows = ""
    for net, lines in table.sections.items():
        heading = f"<th colspan='{len(table.columns)}'>{html.escape(net)}</th>"
        rows += f"<tr class='net'>{heading}</tr>\n" + "".join(map(_html_row, lines))
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
    return "| " + " | ".join(map(_md, texts)) + " |"


def _md(text):
    """Text in Markdown: nothing in it is markup or ends a field of a table."""
    return re.sub(r"([\\`*_\[\]<>|&#$~])", r"\\\1", text)


def _field(value):
    """A value of a CSV file; text that a spreadsheet would take for a formula gets a quote."""
    formula = isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@"))
    return f"'{value}" if formula else value


def _tex(text):
    return "".join(TEX.get(character, character) for character in text)


def _tex_rows(table):
    rows = []
    for net, lines in table.sections.items():
        rows += [
            r"\midrule",
            rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_tex(net)}}}}} \\",
        ]
        rows += [" & ".join(map(_tex, line)) + r" \\" for line in lines]
    return rows


def _rules(groups):
    """A thin rule under each group of several columns."""
    rules, start = [], 1
    for _, columns in groups:
        if columns > 1:
            rules.append(rf"\cmidrule(lr){{{start}-{start + columns - 1}}}")
        start += columns
    return rules
