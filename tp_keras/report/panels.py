"""Draws curves in panels: limits that all panels of a net share, bands over seeds, one legend."""

import dataclasses
import math
import textwrap

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from tp_keras.report import style
from tp_keras.report.cells import Key

ACROSS = 3  # panels side by side
LETTERS = 28  # of a title in one line, above one of them
MARKS = 8  # markers along a line
STEEP = 5  # from the highest to the lowest value: from here on the axis is logarithmic
WIDE = 7.2  # inches of a figure of several panels
DASH = {"marker": "_", "markersize": 9}  # the train error of a single epoch
GREY = {"color": "#b0b0b0", "linewidth": 0.9}
TICKS = [step * 10**power for power in range(-6, 10) for step in (1, 2, 5)]


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A cell's curves by column: mean, lowest and highest over seeds of each epoch."""

    key: Key
    columns: dict[str, list[tuple[float, float, float]]]


@dataclasses.dataclass(frozen=True)
class Panel:
    """What one pair of axes shows; `reference` is drawn in grey behind it."""

    title: str
    curves: list[Curve]
    reference: list[Curve] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Limits:
    """A y axis."""

    low: float
    high: float
    logarithmic: bool


def new_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches that keeps its letters readable across a printed page."""
    return Figure(figsize=(width, height), layout="constrained")


def grid(counts: list[int], height: float) -> tuple[Figure, list[list]]:
    """A figure, and the axes of each group of panels: side by side, or in rows of its own."""
    if max(counts) == 1:
        across = min(len(counts), ACROSS)
        places = [[place] for place in range(len(counts))]
        rows = math.ceil(len(counts) / across)
    else:
        across, rows, places = ACROSS, 0, []
        for count in counts:
            places.append([rows * across + place for place in range(count)])
            rows += math.ceil(count / across)
    figure = new_figure(5.4 if across == 1 else WIDE, height * rows + 1.2)
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    for unused in set(range(len(axes))) - {place for group in places for place in group}:
        axes[unused].set_axis_off()
    return figure, [[axes[place] for place in group] for group in places]


def draw(groups: list[list[Panel]], lines: style.Lines, kinds: tuple, unit: str) -> Figure:
    """A figure of all panels; `kinds` are (column, dashes, name) of the lines."""
    counts = [len(group) for group in groups]
    figure, places = grid(counts, 3.2 if max(counts) == 1 else 1.9)
    shown = [curve for group in groups for panel in group for curve in panel.curves]
    limits, remark = _limits(shown, kinds)
    for group, axes in zip(groups, places, strict=True):
        last = max(_length(curve) for panel in group for curve in panel.curves + panel.reference)
        for number, (panel, place) in enumerate(zip(group, axes, strict=True)):
            _fill(place, panel, lines, kinds)
            _scale(place, limits, last)
            title = textwrap.fill(panel.title, LETTERS, break_on_hyphens=False)
            place.set(title=title, xlabel="epoch", ylabel="" if number % ACROSS else unit)
    others = [_kind(dashes, text, max(map(_length, shown))) for _, dashes, text in kinds]
    if any(panel.reference for group in groups for panel in group):
        others.append(Line2D([], [], **GREY, label="BP, test"))
    legend(figure, [curve.key[1:] for curve in shown], lines, others, remark)
    return figure


def legend(
    figure: Figure, keys: list[tuple], lines: style.Lines, others: list, remark: str
) -> None:
    """One legend below all panels: a remark, methods by colour and marker, the kinds of line."""
    looks = {style.label(*key): lines(*key) for key in sorted(keys, key=lambda k: style.order(*k))}
    handles = [Line2D([], [], label=label, **look) for label, look in looks.items()] + others
    below = {"loc": "outside lower center", "title": remark, "title_fontsize": 7.5}
    columns = 3 if figure.get_figwidth() < WIDE else 4
    figure.legend(handles=handles, ncols=min(columns, len(handles)), **below)


def _kind(dashes, text, epochs):
    """The legend's entry for train or test: of single epochs it shows the marks."""
    mark = DASH if dashes != "-" else {"marker": "o", "markersize": 4}
    look = {"linestyle": dashes} if epochs > 1 else mark | {"linestyle": "none"}
    return Line2D([], [], color="black", label=text, **look)


def _fill(axes, panel, lines, kinds):
    solid = next(column for column, dashes, _ in kinds if dashes == "-")
    for curve in panel.reference:
        axes.plot(*_points(curve.columns[solid]), **GREY, linestyle="-", zorder=1)
    count = len(panel.curves)
    for place, curve in enumerate(panel.curves):
        # Curves of one epoch are points, which must not lie on one another
        shift = 0.5 * (place + 0.5) / count - 0.25
        for column, dashes, _ in kinds:
            if curve.columns[column]:
                _plot(axes, curve.columns[column], lines(*curve.key[1:]), dashes, place, shift)


def _plot(axes, values, look, dashes, place, shift):
    epochs, means = _points(values)
    if len(epochs) == 1:
        shape = look if dashes == "-" else DASH | {"color": look["color"]}
        axes.plot([1 + shift], means, **shape, linestyle="none", zorder=3)
        return
    line = {"color": look["color"], "linestyle": dashes, "linewidth": 1.1 if dashes == "-" else 0.8}
    axes.plot(epochs, means, **line)
    if _spread(values):
        lows, highs = ([value[i] for value in values] for i in (1, 2))
        axes.fill_between(epochs, lows, highs, color=look["color"], alpha=0.25, linewidth=0)
    if dashes == "-":  # markers over all lines, staggered, so that they show where lines cross
        step = max(1, len(means) // MARKS)
        marks = slice(place % step, None, step)
        axes.plot(epochs[marks], means[marks], **look, linestyle="none", zorder=3, clip_on=False)


def _points(values):
    return range(1, len(values) + 1), [mean for mean, *_ in values]


def _spread(values):
    return any(high > low for _, low, high in values)


def _length(curve):
    return max(map(len, curve.columns.values()))


def _limits(curves, kinds):
    """The y axis of all panels, which cuts off no test curve, and a sentence on what it does."""
    solid = next(column for column, dashes, _ in kinds if dashes == "-")
    everything = [v for curve in curves for column in curve.columns.values() for v in column]
    tests = [v for curve in curves for v in curve.columns[solid]] or everything
    low, high = (_finite(choose, everything, place) for choose, place in ((min, 1), (max, 2)))
    remark = "Bands: lowest to highest of the seeds." if _spread(everything) else ""
    lowest_test = _finite(min, tests, 1)
    if lowest_test > 0 and high > STEEP * lowest_test:
        bottom = 0.6 * lowest_test
        cut = f"; train below {bottom:.2g} is cut off" if low < bottom else ""
        return Limits(bottom, 1.3 * high, True), f"Logarithmic axis{cut}. {remark}".strip()
    room = 0.05 * (high - low) or 1
    bottom = 0 if 0 <= low < 0.5 * high or low == high else low - room
    return Limits(bottom, high + room, False), remark


def _finite(choose, values, place):
    return choose(v[place] for v in values if math.isfinite(v[place]))


def _scale(axes, limits, last):
    if limits.logarithmic:
        axes.set_yscale("log")
        ticks = [tick for tick in TICKS if limits.low <= tick <= limits.high]
        axes.yaxis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // 10]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(limits.low, limits.high)
    axes.set_xlim(*((1, last) if last > 1 else (0.5, 1.5)))
    ticks = MaxNLocator(4, integer=True).tick_values(1, last)
    axes.set_xticks([1, *(tick for tick in ticks if 1 + 0.1 * last < tick <= last)])
