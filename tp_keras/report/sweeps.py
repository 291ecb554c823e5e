"""Figure 4: how AO-SDTP's error depends on its auxiliary output size."""

import math

from matplotlib.lines import Line2D

from tp_keras.report import compare, style
from tp_keras.report.cells import pick
from tp_keras.report.curves import Drawing
from tp_keras.report.panels import new_figure
from tp_keras.report.runs import Run

DATASET = "cifar10"
KEY = "best_test_error"


def auxiliary_size(runs: list[Run], lines: style.Lines) -> Drawing | None:
    """Best test error of AO-SDTP against its auxiliary output size, CIFAR-10 FC and LC.

    Size 0 is SDTP. The points of a line share their number of epochs: the one with most sizes.
    """
    panels = {net: _series(runs, net) for net in ("fc", "lc")}
    panels = {net: series for net, series in panels.items() if series}
    if not panels:
        return None
    figure = new_figure(3.6 * max(len(panels), 1.5), 3.8)
    grid = figure.subplots(1, len(panels), squeeze=False)
    for axes, (net, series) in zip(grid[0], panels.items(), strict=True):
        title = f"{style.dataset(DATASET)} {style.net(net)}"
        axes.set(title=title, xlabel="auxiliary output size", ylabel="best test error (%)")
        for schedule, (_, points) in series.items():
            _plot_sizes(axes, points, lines(net, "ao_sdtp", schedule))
    schedules = sorted({s for series in panels.values() for s in series}, reverse=True)
    looks = {style.label("", "ao_sdtp", s): lines("", "ao_sdtp", s) for s in schedules}
    handles = [Line2D([], [], label=label, **look) for label, look in looks.items()]
    below = {"loc": "outside lower center", "title": _epochs_remark(panels), "title_fontsize": 7.5}
    figure.legend(handles=handles, ncols=2, **below)
    chosen = [c for series in panels.values() for _, p in series.values() for c in p.values()]
    return Drawing(figure, [run for cell in chosen for run in cell.runs])


def _series(runs, net):
    """For each schedule that has two sizes or more: its epochs, and the cell of each size."""
    found = {}
    for schedule in ("parallel", "alternating"):
        groups = {}
        for run in runs:
            size = _size(run)
            if run.cell[:2] + run.cell[3:] == (DATASET, net, schedule) and size is not None:
                sizes = groups.setdefault(run.result["epochs"], {})
                sizes.setdefault(size, []).append(run)
        if groups:
            epochs = max(groups, key=lambda epochs: (len(groups[epochs]), epochs))
            points = {size: pick(group) for size, group in sorted(groups[epochs].items())}
            if len(points) > 1:
                found[schedule] = epochs, points
    return found


def _size(run):
    if run.is_trial or compare.difference(run):
        return None
    return {"ao_sdtp": run.auxiliary_units, "sdtp": 0}.get(run.result["method"])


def _plot_sizes(axes, points, look):
    means = [cell.mean(KEY) for cell in points.values()]
    spread = [cell.std(KEY) for cell in points.values()]
    spread = [s or math.nan for s in spread]  # no bar where there is one seed
    axes.errorbar(list(points), means, spread, capsize=3, linewidth=1.3, **look)


def _epochs_remark(panels):
    counts = [
        f"{style.NETS[net]} {schedule} {epochs}"
        for net, series in panels.items()
        for schedule, (epochs, _) in series.items()
    ]
    return f"Epochs: {', '.join(counts)}. Size 0 is SDTP."
