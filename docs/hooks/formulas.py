"""Docstrings state formulas in plain text; here they are kept from being read as Markdown."""

import re

import griffe

FORMULA = re.compile(r"(?:[\w.]+\[[\w+*-]+\]|loss\[l\]) \+?= \S")
INDEX = re.compile(r"(?<=\w)\[([^\]\n]*)\]")


class Formulas(griffe.Extension):
    """Puts lines that are formulas into code blocks, and escapes the indices in all others."""

    def on_object(self, *, obj, **_):
        if obj.docstring:
            obj.docstring.value = readable(obj.docstring.value)


def readable(text: str) -> str:
    """The docstring as Markdown."""
    lines, fenced = [], False
    for line in text.splitlines():
        formula = bool(FORMULA.match(line))
        continued = fenced and line.startswith("  ") and line.strip()
        if (formula or continued) != fenced:
            lines += ["```text"] if formula else ["```", ""]
            fenced = formula
        lines.append(line if fenced else escaped(line))
    return "\n".join(lines + ["```"] * fenced)


def escaped(line: str) -> str:
    """The line with brackets and angle brackets outside of code as they are printed."""
    if line.startswith("    ") and not line.lstrip().startswith(("`", "-")):
        indent = line[: len(line) - len(line.lstrip())]
    else:
        indent = ""
    parts = re.split(r"(`[^`]*`)", line[len(indent) :])
    parts[::2] = [
        INDEX.sub(r"\\[\1\\]", part).replace("<", "&lt;").replace(" * ", r" \* ")
        for part in parts[::2]
    ]
    return indent + "".join(parts)
