"""Learning curves: Figures 2, 3, 6 and 8, and those of other data than the paper's."""

import dataclasses

from matplotlib.figure import Figure

from tp_keras.report import panels, style
from tp_keras.report.cells import Cell, Key
from tp_keras.report.runs import Run

FEW = 4  # curves of a panel that can be told apart; more get a panel for each rule
MOST = 36  # panels of a figure
REFERENCE = "bp"  # drawn in grey beside each rule
BOTH = (("train_error", "--", "train"), ("test_error", "-", "test"))
TOP5 = (("test_error", "-", "top-1"), ("test_top5_error", ":", "top-5"))
LOSSES = (("train_loss", "--", "train"), ("test_loss", "-", "test"))
SQUARED = "squared error per image"


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure and the runs that it shows."""

    figure: Figure
    runs: list[Run]


def classification(cells: dict[Key, Cell], lines: style.Lines, dataset: str) -> Drawing | None:
    """Figures 2 and 8: FC beside LC with the ConvNet, train dashed, test solid."""
    name = style.dataset(dataset)
    nets = {f"{name} FC": ("fc",), f"{name} LC": ("lc", "conv")}
    return _draw(_by_net(_part(cells, dataset), nets, BOTH), lines, BOTH, "error (%)")


def imagenet(cells: dict[Key, Cell], lines: style.Lines) -> Drawing | None:
    """Figure 3: top-1 test error solid, top-5 dotted."""
    nets = {"ImageNet LC": ("lc", "conv")}
    return _draw(_by_net(_part(cells, "imagenet2012"), nets, TOP5), lines, TOP5, "test error (%)")


def autoencoder(cells: dict[Key, Cell], lines: style.Lines) -> Drawing | None:
    """Figure 6: squared error of an image's reconstruction, train dashed, test solid."""
    nets = {"MNIST autoencoder": ("autoencoder",)}
    return _draw(_by_net(_part(cells, "mnist"), nets, LOSSES), lines, LOSSES, SQUARED)


def other(cells: dict[Key, Cell], lines: style.Lines) -> Drawing | None:
    """Curves of one problem that is not the paper's, by net."""
    units = {run.result["errors_are"] for cell in cells.values() for run in cell.runs}
    kinds, unit = (BOTH, "error (%)") if units == {"%"} else (LOSSES, " or ".join(sorted(units)))
    problems = sorted({key[:2] for key in cells})
    nets = {f"{style.dataset(data)} {style.net(net)}": (net,) for data, net in problems}
    return _draw(_by_net(cells, nets, kinds), lines, kinds, unit)


def _part(cells, dataset):
    return {key: cell for key, cell in cells.items() if key[0] == dataset}


def _by_net(cells, nets, kinds):
    """The curves of each net that has some, with their cells."""
    found = {}
    for title, architectures in nets.items():
        for key in sorted(cells, key=lambda key: style.order(*key[1:])):
            columns = {column: cells[key].curve(column) for column, *_ in kinds}
            if key[1] in architectures and any(columns.values()):
                found.setdefault(title, {})[panels.Curve(key, columns)] = cells[key]
    return found


def _draw(found, lines, kinds, unit):
    if not found:
        return None
    groups = [_panels(title, list(curves), kinds) for title, curves in found.items()]
    figure = panels.draw([group[:MOST] for group in groups], lines, kinds, unit)
    runs = [run for curves in found.values() for cell in curves.values() for run in cell.runs]
    return Drawing(figure, runs)


def _panels(title, curves, kinds):
    """One panel, or one for each rule with backpropagation in grey."""
    if len(curves) <= FEW:
        return [panels.Panel(title, curves)]
    rules = {}
    for curve in curves:
        rules.setdefault(curve.key[2], []).append(curve)
    reference = [curve for curve in rules.get(REFERENCE, []) if curve.key[1] != "conv"]
    return [
        panels.Panel(
            f"{title}: {style.label('', rule, '')}", shown, [] if rule == REFERENCE else reference
        )
        for rule, shown in rules.items()
    ]
