"""Figure 7: digits and what each autoencoder makes of them."""

from matplotlib.figure import Figure

from tp_keras.report import style
from tp_keras.report.cells import Cell
from tp_keras.report.curves import Drawing
from tp_keras.report.panels import new_figure

MOST = 24  # rows of a figure


def reconstructions(cells: dict[tuple, Cell]) -> Drawing | None:
    """A row of input digits, then a row for each method's first run that kept its images."""
    shown = {}
    for key in sorted(cells, key=lambda key: style.order(*key[1:])):
        runs = [run for run in cells[key].runs if key[1] == "autoencoder" and run.images]
        if runs:
            shown[style.label("", *key[2:])] = runs[0]
    shown = dict(list(shown.items())[:MOST])
    if not shown:
        return None
    inputs = next(iter(shown.values())).images[0]
    rows = {"input": inputs} | {label: run.images[1] for label, run in shown.items()}
    return Drawing(_draw(rows), list(shown.values()))


def _draw(rows: dict) -> Figure:
    width = max(len(images) for images in rows.values())
    figure = new_figure(1.3 + 0.55 * width, 0.6 * len(rows))
    grid = figure.subplots(len(rows), width, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, (label, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(row, images, strict=False):  # a run may have kept fewer
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        row[0].annotate(label, (-0.15, 0.5), xycoords="axes fraction", ha="right", va="center")
    return figure
