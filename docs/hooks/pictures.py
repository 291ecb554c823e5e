"""The picture of a rule's paths: `<!-- picture: sdtp -->` becomes an SVG drawn here."""

import dataclasses
import re

PLACES = {1: 130, 2: 250, 3: 370, 4: 490}  # of h[l], with 4 for the output L
BASE, INPUT, HEIGHT = 60, 20, 190
# How a backward path looks, and what the legend calls it
KINDS = {
    "own": ("#d1495b", "12 3 3 3", "the layer's own weights, transposed"),
    "signs": ("#8d5a97", "3 3", "the signs of the layer's own weights, fixed magnitudes"),
    "fixed": ("#2e86ab", "7 4", "fixed, random weights"),
    "learned": ("#3a8f4d", "", "learned weights"),
    "none": ("#888888", "2 5", "nothing comes back"),
}


@dataclasses.dataclass(frozen=True)
class Path:
    """An arrow from one layer back to another."""

    start: int
    end: int
    label: str
    kind: str


def chain(symbol, kind, top=4):
    """A backward arrow over every layer from `top` down to 1."""
    names = {4: "L", 3: "3", 2: "2"}
    return [Path(l, l - 1, symbol.format(names[l]), kind) for l in range(top, 1, -1)]


PATHS = {
    "bp": ("errors", chain("W<{0}>ᵀ", "own")),
    "fa": ("errors", chain("B<{0}>", "fixed")),
    "dfa": (
        "errors",
        [Path(4, l, f"B<{l}>", "fixed") for l in (3, 2, 1)],
    ),
    "tp": ("targets", chain("g<{0}>", "learned")),
    "dtp": (
        "targets",
        [Path(4, 3, "W<L>ᵀ", "own"), *chain("g<{0}>", "learned", top=3)],
    ),
    "sdtp": ("targets", chain("g<{0}>", "learned")),
    "ao_sdtp": (
        "targets",
        [Path(4, 3, "g<L>(o, z)", "learned"), *chain("g<{0}>", "learned", top=3)],
    ),
    "sign_symmetry": ("errors", chain("|B<{0}>| sign W<{0}>ᵀ", "signs")),
    "kolen_pollack": ("errors", chain("B<{0}>", "learned")),
    "weight_mirror": ("errors", chain("B<{0}>", "learned")),
    "ldrl": (
        "targets",
        [Path(4, 3, "W<L>ᵀ", "own"), *chain("g<{0}>", "learned", top=3)],
    ),
    "fixed_dtp": ("targets", chain("g<{0}>", "fixed")),
    "frozen": ("errors", [Path(4, 3, "", "none")]),
}


def on_page_markdown(markdown, **_):
    return re.sub(r"<!-- picture: (\w+) -->", lambda found: picture(found[1]), markdown)


def picture(rule: str) -> str:
    """The SVG of a rule, without blank lines, as Markdown wants it."""
    if rule not in PATHS:
        from mkdocs.exceptions import PluginError  # the tests read PATHS where mkdocs is missing

        raise PluginError(f"no picture of {rule!r}, there are {', '.join(PATHS)}")
    carried, paths = PATHS[rule]
    kinds = list(dict.fromkeys(path.kind for path in paths))
    height = HEIGHT + 20 * len(kinds) + (40 if rule == "dfa" else 0)
    what = f"Paths of {rule}: {carried} go back by " + "; ".join(KINDS[kind][2] for kind in kinds)
    parts = [
        '<div class="paths">',
        f'<svg class="paths" viewBox="0 0 560 {height}" role="img" aria-label="{what}">',
        "<defs>",
        *(marker(kind) for kind in ["forward", *kinds]),
        "</defs>",
        *forward(),
        *(backward(path, rule) for path in paths),
        *legend(carried, kinds, height),
        "</svg>",
        "</div>",
    ]
    return "\n".join(parts)


def forward():
    """The layers in a row and the arrows of the forward pass."""
    places = {0: INPUT, **PLACES}
    names = {0: "h<0> = x", 1: "h<1>", 2: "h<2>", 3: "h<3>", 4: "h<L>"}
    weights = {1: "W<1>", 2: "W<2>", 3: "W<3>", 4: "W<L>"}
    for l, x in places.items():
        yield box(x, names[l])
        if l:
            start, end = places[l - 1] + 62, x - 4
            yield (
                f'<line x1="{start}" y1="{BASE}" x2="{end}" y2="{BASE}" stroke="currentColor" '
                'stroke-width="1.5" marker-end="url(#paths-forward)"/>'
            )
            yield text((start + end) / 2, BASE - 10, weights[l])


def box(x, name):
    return (
        f'<rect x="{x}" y="{BASE - 18}" width="62" height="36" rx="6" fill="none" '
        f'stroke="currentColor"/>{text(x + 31, BASE + 5, name)}'
    )


def backward(path, rule):
    """An arrow below the row; DFA's are one below the other, since each comes from the output."""
    colour, dashes, _ = KINDS[path.kind]
    depth = 45 if rule != "dfa" else 30 + 28 * (path.start - path.end)
    start, end = PLACES[path.start] + 31, PLACES[path.end] + 31
    if path.start - path.end == 1 and rule != "dfa":
        start, end = start - 10, end + 10
    elif rule == "dfa":
        start += 12 - 8 * (path.start - path.end)
    top, bottom = BASE + 20, BASE + 20 + depth
    line = f"M {start} {top} V {bottom} H {end} V {top + 6}"
    if path.kind == "none":
        middle = (start + end) / 2
        line = f"M {start} {top} V {bottom} H {middle}"
    return (
        f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes or "none"}" marker-end="url(#paths-{path.kind})"/>'
        + text((start + end) / 2, bottom + 17, path.label, colour)
    )


def legend(carried, kinds, height):
    for row, kind in enumerate(kinds):
        colour, dashes, meaning = KINDS[kind]
        y = height - 20 * (len(kinds) - row) + 6
        yield (
            f'<line x1="20" y1="{y}" x2="60" y2="{y}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dashes or "none"}"/>'
        )
        words = meaning if kind == "none" else f"{carried} by {meaning}"
        yield text(70, y + 5, words, anchor="start")


def marker(kind):
    colour = KINDS[kind][0] if kind in KINDS else "currentColor"
    return (
        f'<marker id="paths-{kind}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" '
        f'markerHeight="6" orient="auto"><path d="M0 0 L8 4 L0 8 Z" fill="{colour}"/></marker>'
    )


def text(x, y, words, colour="currentColor", anchor="middle"):
    """Text in which <..> is a subscript."""
    words = re.sub(
        r"<(\w)>", r'<tspan dy="4" font-size="10">\1</tspan><tspan dy="-4">&#8203;</tspan>', words
    )
    where = f'x="{x}" y="{y}" text-anchor="{anchor}" font-size="14"'
    return f'<text {where} fill="{colour}">{words}</text>'
