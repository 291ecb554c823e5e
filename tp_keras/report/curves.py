"""Learning curves: Figures 2, 3, 6 and 8."""

import dataclasses
import math
import statistics

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.report import style
from tp_keras.report.cells import Cell
from tp_keras.report.runs import Run

MARKS = 8  # markers along a line


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure, the runs that it shows, and what its caption must add."""

    figure: Figure
    runs: list[Run]
    remark: str = ""


def classification(cells: dict[tuple, Cell], lines: style.Lines, dataset: str) -> Drawing | None:
    """Figures 2 and 8: FC beside LC with the ConvNet, train dashed, test solid."""
    kinds = (("train_error", "--", "train"), ("test_error", "-", "test"))
    panels = [("FC", ("fc",)), ("LC and ConvNet", ("lc", "conv"))]
    shown = [(title, _curves(cells, dataset, nets, kinds)) for title, nets in panels]
    return _draw(shown, lines, kinds, "error (%)")


def imagenet(cells: dict[tuple, Cell], lines: style.Lines) -> Drawing | None:
    """Figure 3: top-1 test error solid, top-5 dotted, in one panel."""
    kinds = (("test_error", "-", "top-1"), ("test_top5_error", ":", "top-5"))
    shown = [("", _curves(cells, "imagenet2012", ("lc", "conv"), kinds))]
    return _draw(shown, lines, kinds, "test error (%)")


def autoencoder(cells: dict[tuple, Cell], lines: style.Lines) -> Drawing | None:
    """Figure 6: squared error of an image's reconstruction, train dashed, test solid."""
    kinds = (("train_loss", "--", "train"), ("test_loss", "-", "test"))
    shown = [("", _curves(cells, "mnist", ("autoencoder",), kinds))]
    return _draw(shown, lines, kinds, "squared error per image (sum over pixels)")


def new_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches that keeps its letters readable across a printed page."""
    return Figure(figsize=(width, height), layout="constrained")


def method_legend(figure: Figure, keys: list[tuple], lines: style.Lines, others: list) -> None:
    """One legend below all panels: methods by colour and marker, then the kinds of line."""
    looks = {style.label(*key): lines(*key) for key in sorted(keys, key=lambda k: style.order(*k))}
    handles = [Line2D([], [], label=label, **look) for label, look in looks.items()]
    columns = min(4, len(handles) + len(others))
    figure.legend(handles=handles + others, loc="outside lower center", ncols=columns)


def _curves(cells, dataset, architectures, kinds):
    """The cells of a panel that have a curve of the first kind or the second."""
    found = {}
    for key in sorted(cells, key=lambda key: style.order(*key[1:])):
        if key[0] == dataset and key[1] in architectures:
            columns = {column: cells[key].curve(column) for column, *_ in kinds}
            if any(columns.values()):
                found[key] = cells[key], columns
    return found


def _draw(panels, lines, kinds, unit):
    panels = [(title, curves) for title, curves in panels if curves]
    if not panels:
        return None
    figure = new_figure(3.6 * max(len(panels), 1.5), 4.4)
    outside = []
    grid = figure.subplots(1, len(panels), squeeze=False)
    for axes, (title, curves) in zip(grid[0], panels, strict=True):
        axes.set(title=title, xlabel="epoch", ylabel=unit)
        for place, (key, (_, columns)) in enumerate(curves.items()):
            for column, dashes, _ in kinds:
                _plot(axes, columns[column], lines(*key[1:]), dashes, place)
        outside += _limit(axes, title, curves, [column for column, *_ in kinds])
    keys = [key[1:] for _, curves in panels for key in curves]
    others = [Line2D([], [], color="black", linestyle=d, label=text) for _, d, text in kinds]
    method_legend(figure, keys, lines, others)
    runs = [run for _, curves in panels for cell, _ in curves.values() for run in cell.runs]
    return Drawing(figure, runs, " ".join(outside))


def _plot(axes, values, look, dashes, place):
    epochs = range(1, len(values) + 1)
    line = {"color": look["color"], "linestyle": dashes, "linewidth": 1.1 if dashes == "-" else 0.8}
    axes.plot(epochs, values, **line)
    if dashes == "-":  # markers over all lines, staggered, so that they show where lines cross
        step = max(1, len(values) // MARKS)
        marks = slice(place % step, None, step)
        axes.plot(epochs[marks], values[marks], **look, linestyle="none", zorder=3)


def _limit(axes, title, curves, names):
    """Cuts off what would flatten the rest, and returns a sentence on curves wholly beyond."""
    values = {
        (key, name): [v for v in columns[name] if math.isfinite(v)]
        for key, (_, columns) in curves.items()
        for name in names
    }
    values = {key: column for key, column in values.items() if column}
    lasts = [column[-1] for column in values.values()]
    highest = max(max(column) for column in values.values())
    top = 1.03 * min(highest, 3 * statistics.median(lasts))
    axes.set_ylim(0, top)
    axes.set_xlim(left=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    beyond = {style.label(*key[1:]) for (key, _), column in values.items() if min(column) > top}
    where = f"{title}: " if title else ""
    return [f"{where}{', '.join(sorted(beyond))} beyond the axis."] if beyond else []
