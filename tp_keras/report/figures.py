"""The list of figures: what each is called, how it is drawn, and how it is written."""

import dataclasses
import io
import pathlib
from collections.abc import Callable

import matplotlib

from tp_keras.report import curves, histograms, sweeps
from tp_keras.report.cells import Cell
from tp_keras.report.curves import Drawing
from tp_keras.report.reconstructions import reconstructions
from tp_keras.report.runs import Run
from tp_keras.report.style import Lines

LOOK = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "axes.axisbelow": True,
    "svg.hashsalt": "tp_keras",  # the same runs give the same file
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the paper; `drawing` is None where no run can fill it."""

    number: int
    caption: str
    needs: str
    drawing: Drawing | None

    @property
    def name(self) -> str:
        return f"figure{self.number}"


def figures(cells: dict[tuple, Cell], runs: list[Run]) -> list[Figure]:
    """Draws Figures 2 to 8 from the cells' runs, 4 and 5 from all runs."""
    lines = Lines(run.result["method"] for run in runs)
    with matplotlib.rc_context(LOOK):
        return [
            Figure(number, caption, needs, draw(cells, runs, lines))
            for number, caption, needs, draw in FIGURES
        ]


FIGURES: tuple[tuple[int, str, str, Callable], ...] = (
    (
        2,
        "Train (dashed) and test (solid) classification errors on CIFAR-10.",
        "a run on cifar10",
        lambda cells, runs, lines: curves.classification(cells, lines, "cifar10"),
    ),
    (
        3,
        "Top-1 (solid) and top-5 (dotted) test errors on ImageNet; colours as in Figure 2.",
        "a run on imagenet2012",
        lambda cells, runs, lines: curves.imagenet(cells, lines),
    ),
    (
        4,
        "Best test error on CIFAR-10 against AO-SDTP's auxiliary output size; size 0 is SDTP.",
        "AO-SDTP runs on cifar10 of two sizes and equal epochs (SDTP counts as size 0)",
        lambda cells, runs, lines: sweeps.auxiliary_size(runs, lines),
    ),
    (
        5,
        "Best test accuracy over the configurations of the random search.",
        "trials of tp_keras.search",
        lambda cells, runs, lines: histograms.search_histograms(runs, lines),
    ),
    (
        6,
        "Train (dashed) and test (solid) reconstruction errors of the autoencoder on MNIST.",
        "an autoencoder's run on mnist",
        lambda cells, runs, lines: curves.autoencoder(cells, lines),
    ),
    (
        7,
        "MNIST digits (first row) and their reconstructions by each autoencoder.",
        "an autoencoder's run with reconstructions.npz",
        lambda cells, runs, lines: reconstructions(cells),
    ),
    (
        8,
        "Train (dashed) and test (solid) classification errors on MNIST.",
        "a run on mnist",
        lambda cells, runs, lines: curves.classification(cells, lines, "mnist"),
    ),
)


def write(figure: Figure, out: pathlib.Path) -> None:
    """Writes a drawn figure as PNG and SVG."""
    (out / f"{figure.name}.png").write_bytes(_bytes(figure, "png"))
    (out / f"{figure.name}.svg").write_bytes(svg(figure))


def svg(figure: Figure) -> bytes:
    """A drawn figure as SVG, its letters as outlines so that it needs no font."""
    return _bytes(figure, "svg")


def _bytes(figure, kind):
    file = io.BytesIO()
    dateless = {"Date": None} if kind == "svg" else None
    with matplotlib.rc_context(LOOK):
        figure.drawing.figure.savefig(file, format=kind, dpi=200, metadata=dateless)
    return file.getvalue()
