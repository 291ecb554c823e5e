"""The list of figures: what each is called, how it is drawn, and how it is written."""

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Callable, Iterator

import matplotlib

from tp_keras.report import angles, curves, histograms, sweeps
from tp_keras.report.cells import Cell, Key, by_problem
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
    "text.parse_math": False,  # a dollar in a name is a dollar
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the paper or of other runs; `drawing` is None where no run can fill it."""

    name: str
    title: str
    caption: str
    needs: str
    drawing: Drawing | None


def figures(
    cells: dict[Key, Cell], runs: list[Run], others: dict[str, dict[Key, Cell]] | None = None
) -> list[Figure]:
    """Draws Figures 2 to 8 from the cells' runs, 4 and 5 from all runs; then those of `others`."""
    lines = Lines(run.result["method"] for run in runs)
    with look():
        drawn = [
            Figure(f"figure{number}", f"Figure {number}", caption, needs, draw(cells, runs, lines))
            for number, caption, needs, draw in FIGURES
        ]
        for place, (title, group) in enumerate((others or {}).items(), start=1):
            drawing = curves.other(group, lines) if place <= MOST else None
            needs = EPOCHS if place <= MOST else f"a place among the first {MOST}"
            drawn.append(Figure(f"other{place}", f"Curves: {title}", OTHER, needs, drawing))
        everything = by_problem(cells, others or {})
        for quantity, title in angles.TITLES.items():
            drawing = angles.angles(everything, quantity)
            name = "angles" if quantity == angles.HIDDEN else quantity
            title = title.partition(" (")[0]
            drawn.append(Figure(name, title[0].upper() + title[1:], LAYERS, "", drawing))
    return drawn


MOST = 12  # problems other than the paper's that get curves; all get a table
OTHER = "Train (dashed) and test (solid) of runs that do not compare with the paper's."
EPOCHS = "an epochs.csv that can be read"
LAYERS = "Over epochs, a panel for each rule and a line for each layer; mean over seeds."
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
        "Best test error on CIFAR-10 against AO-SDTP's auxiliary output size.",
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


@contextlib.contextmanager
def look() -> Iterator[None]:
    """Matplotlib's own defaults and `LOOK`, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(LOOK)
        # Such as a box for a letter that the font lacks: nothing that a reader can act on
        warnings.simplefilter("ignore", UserWarning)
        yield


def as_bytes(figure: Figure, kind: str) -> bytes:
    """A drawn figure as "png", or as "svg" with its letters as outlines: it needs no font."""
    file = io.BytesIO()
    dateless = {"Date": None} if kind == "svg" else None
    with look():
        figure.drawing.figure.savefig(file, format=kind, dpi=200, metadata=dateless)
    return file.getvalue()
