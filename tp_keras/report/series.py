"""Reads the numbers of a run folder, each file checked whole: epochs, diagnostics, images."""

import csv
import io
import itertools
import math
import pathlib
import re
import reprlib
import zipfile

import numpy as np

from tp_keras.report import files
from tp_keras.report.records import LARGEST, LIMITS, LOSS, MEGABYTE

MOST_ROWS = 200_000  # of diagnostics.csv: layers times epochs
DIGITS = 10  # of the images that an autoencoder kept, enough for a figure
ERRORS = tuple(
    f"{part}_{kind}" for part in ("train", "validation", "test") for kind in ("error", "top5_error")
)
LOSSES = ("train_loss", "validation_loss", "test_loss", "inverse_loss")
QUANTITIES = {  # of diagnostics.csv, with their largest value
    "angle_of_error": 180,
    "angle_of_update": 180,
    "reconstruction_error": LARGEST,
    "distance_to_target": LARGEST,
}


def read_epochs(path: pathlib.Path, result: dict) -> dict[str, list]:
    """The columns of `epochs.csv` that the report knows, NaN where a field is empty.

    `phases` is text, empty where a file has none; any other column has a number.
    """
    rows = _rows(path, result["epochs"], "epoch")
    if len(rows) != result["epochs"]:
        raise ValueError(f"it has {len(rows)} rows, result.json says {result['epochs']} epochs")
    columns = {}
    for name in (name for name in ERRORS + LOSSES if name in rows[0]):
        limits = LIMITS[result["errors_are"] if name in ERRORS else LOSS]
        column = [_field(row, name, *limits) for row in rows]
        if any(map(math.isfinite, column)):
            columns[name] = column
    if "test_error" not in columns:
        raise ValueError("it has no number in the column test_error")
    return columns | {"phases": [row.get("phases", "") for row in rows]}


def read_diagnostics(path: pathlib.Path) -> dict[str, dict[int, list[tuple[int, float]]]]:
    """Of `diagnostics.csv`: by quantity and layer, pairs of epoch and value."""
    found = {}
    for row in _rows(path, MOST_ROWS, "epoch", "layer"):
        epoch, layer = (_whole(row, name) for name in ("epoch", "layer"))
        for quantity, largest in QUANTITIES.items():
            value = _field(row, quantity, 0, largest) if quantity in row else math.nan
            if math.isfinite(value):
                found.setdefault(quantity, {}).setdefault(layer, []).append((epoch, value))
    return {
        quantity: {layer: sorted(dict(pairs).items()) for layer, pairs in sorted(layers.items())}
        for quantity, layers in found.items()
    }


def read_images(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """The first inputs and reconstructions of `reconstructions.npz`, each `(n, 28, 28)`."""
    content = io.BytesIO(files.read(path, 256 * MEGABYTE))
    with zipfile.ZipFile(content) as members:
        pair = tuple(_images(members, name) for name in ("inputs", "reconstructions"))
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f"it has {len(pair[0])} inputs and {len(pair[1])} reconstructions")
    return pair


def _images(members, name):
    """The first images of a member, whose header is checked before it is used."""
    with members.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name} is of .npy's version {version}, not (1, 0)")
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        if len(shape) != 3 or shape[0] < 1 or shape[1:] != (28, 28):
            raise ValueError(f"{name} must be (n, 28, 28), received {reprlib.repr(shape)}")
        if dtype.kind != "f" or by_column:
            raise ValueError(f"{name} must be real numbers by row, received {dtype}")
        count = min(shape[0], DIGITS)
        content = file.read(count * 28 * 28 * dtype.itemsize)
    images = np.frombuffer(content, dtype).reshape(count, 28, 28).astype(np.float64)
    if not np.isfinite(images).all() or np.abs(images).max() > LARGEST:
        raise ValueError(f"{name} must be finite numbers")
    return images


def _rows(path, most, *needed):
    """The rows of a CSV file with a header, each of the header's length."""
    text = files.read(path, 64 * MEGABYTE).decode()
    reader = csv.DictReader(io.StringIO(text, newline=""))
    # In memory a row is many times what it is in the file
    rows = list(itertools.islice(reader, most))
    if next(reader, None) is not None:
        raise ValueError(f"it has more than {most:,} rows")
    if not rows:
        raise ValueError("it has no rows")
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("a row is shorter or longer than the header")
    for name in needed:
        if name not in rows[0]:
            raise ValueError(f"it has no column {name}")
    return rows


def _field(row, name, least, largest):
    """A number of a CSV file; NaN where the field is empty or says nan."""
    try:
        value = float(row[name] or "nan")
    except ValueError:
        value = math.inf
    if not (math.isnan(value) or least <= value <= largest):
        allowed = f"a number from {least:g} to {largest:g}"
        raise ValueError(f"{name} must be {allowed}, received {reprlib.repr(row[name])}")
    return value


def _whole(row, name):
    if not re.fullmatch(r"[0-9]{1,7}", row[name]):
        raise ValueError(f"{name} must be a whole number, received {reprlib.repr(row[name])}")
    return int(row[name])
