"""Formulas in TeX become MathML when the site is built: a reader needs no script and no network."""

import html
import re

from latex2mathml.converter import convert

TAG = re.compile(r"\\tag\{([^}]*)\}")
NORM = re.compile(r"(?<!\\left)(\\lVert)(?![A-Za-z])(.*?)(?<!\\right)(\\rVert)(?![A-Za-z])")


def on_page_content(content, **_):
    content = re.sub(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', _display, content, flags=re.S)
    return re.sub(r'<span class="arithmatex">\\\((.*?)\\\)</span>', _inline, content, flags=re.S)


def _display(found):
    """A formula on its own line, with its number in the paper where `\\tag` gives one."""
    latex = html.unescape(found[1])
    number = "".join(f"<span>({text})</span>" for text in TAG.findall(latex))
    formula = _mathml(TAG.sub("", latex).strip(), display="block")
    return f'<div class="equation">{formula}{number}</div>'


def _inline(found):
    return _mathml(html.unescape(found[1]))


def _mathml(latex, **options):
    """MathML in which a prime can be seen without a font for formulas, and ~ is a relation.

    The bars of a norm are a pair, for else the one that bears an exponent is the shorter.
    """
    text = convert(NORM.sub(r"\\left\1\2\\right\3", latex), **options)
    text = text.replace("<mi>&#x02032;</mi>", "<mo>'</mo>")
    return text.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")
