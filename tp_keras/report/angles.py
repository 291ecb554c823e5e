"""What `diagnostics.csv` says of a rule's layers: a panel a rule, and a table of the last epoch."""

import statistics

import matplotlib
from matplotlib.lines import Line2D

from tp_keras.report import panels, style
from tp_keras.report.cells import Cell, Key
from tp_keras.report.curves import Drawing
from tp_keras.report.tables import CELL, Table

MOST, LAYERS = 24, 40  # panels of a figure, and layers of a panel and of the table
HIDDEN = "angle_of_error"
TITLES = {
    "angle_of_error": "angle of the error to BP's (degrees)",
    "angle_of_update": "angle of the update to BP's (degrees)",
    "reconstruction_error": "reconstruction error of the inverse",
    "distance_to_target": "distance to the target",
}


def angles(problems: dict[str, dict[Key, Cell]], quantity: str = HIDDEN) -> Drawing | None:
    """A quantity over epochs, a line for each layer, mean over seeds; rows of panels for a net."""
    groups = _groups(problems, quantity)
    if not groups:
        return None
    figure, places = panels.grid([len(cells) for cells in groups.values()], 1.9)
    measured = [_values(cell, quantity) for cells in groups.values() for cell in cells.values()]
    looks = _looks(sorted({layer for values in measured for layer in values})[:LAYERS])
    for (title, cells), axes in zip(groups.items(), places, strict=True):
        for number, (key, place) in enumerate(zip(cells, axes, strict=True)):
            _panel(place, _values(cells[key], quantity), looks, quantity)
            place.set_title(f"{title}: {style.label('', *key[2:])}")
            if not number % panels.ACROSS:
                place.set_ylabel(TITLES[quantity].replace(" (", "\n("))
    handles = [Line2D([], [], label=f"layer {layer}", **look) for layer, look in looks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    runs = [run for cells in groups.values() for cell in cells.values() for run in cell.runs]
    return Drawing(figure, [run for run in runs if quantity in run.diagnostics])


def table(problems: dict[str, dict[Key, Cell]]) -> Table | None:
    """The angle of the error in the last epoch that has it, by rule and layer."""
    groups = _groups(problems, HIDDEN)
    if not groups:
        return None
    last = {
        title: {key: _last(cell) for key, cell in cells.items()} for title, cells in groups.items()
    }
    layers = sorted({layer for rows in last.values() for row in rows.values() for layer in row})
    layers = layers[:LAYERS]
    sections, records = {}, []
    for title, rows in last.items():
        for key, values in rows.items():
            row = [f"{values[layer]:.1f}" if layer in values else "" for layer in layers]
            sections.setdefault(title, []).append([style.label("", *key[2:]), *row])
            fields = {f"layer_{layer}": values.get(layer) for layer in layers}
            records.append(dict(zip(CELL, key, strict=True)) | fields)
    note = "Degrees, on the first test batch, in the last epoch measured; mean over seeds."
    return Table(
        "angles", "", "Angle of each layer's error to backpropagation's",
        [("", 1), ("Layer", len(layers))], ["Method", *map(str, layers)], sections, records,
        [note], (), [cell for cells in groups.values() for cell in cells.values()],
    )  # fmt: skip


def _groups(problems, quantity):
    """The cells that measured a quantity, in the tables' order, by problem and net."""
    found, count = {}, 0
    for title, cells in problems.items():
        for key in sorted(cells, key=lambda key: (key[1], style.order(*key[1:]))):
            if _values(cells[key], quantity) and count < MOST:
                found.setdefault(f"{title} {style.net(key[1])}", {})[key] = cells[key]
                count += 1
    return found


def _values(cell, quantity):
    """By layer, pairs of epoch and mean over the seeds that measured it then."""
    found = {}
    for run in cell.runs:
        for layer, pairs in run.diagnostics.get(quantity, {}).items():
            for epoch, value in pairs:
                found.setdefault(layer, {}).setdefault(epoch, []).append(value)
    return {
        layer: [(epoch, statistics.fmean(epochs[epoch])) for epoch in sorted(epochs)]
        for layer, epochs in sorted(found.items())
    }


def _last(cell):
    return {layer: round(pairs[-1][1], 4) for layer, pairs in _values(cell, HIDDEN).items()}


def _looks(layers):
    """Dark for the lowest layer to light for the highest, in colour and in grey."""
    colours = matplotlib.colormaps["viridis"]
    shades = {layer: colours(0.85 * i / max(1, len(layers) - 1)) for i, layer in enumerate(layers)}
    markers = "os^Dvp"
    return {
        layer: {"color": shades[layer], "marker": markers[i % len(markers)], "markersize": 3}
        for i, layer in enumerate(layers)
    }


def _panel(axes, values, looks, quantity):
    for layer, pairs in ((layer, pairs) for layer, pairs in values.items() if layer in looks):
        epochs, means = zip(*pairs, strict=True)
        axes.plot(epochs, means, **looks[layer], markevery=max(1, len(epochs) // 6), linewidth=1)
    axes.set(xlabel="epoch", ylim=(0, None))
    if quantity.startswith("angle"):
        highest = max(value for pairs in values.values() for _, value in pairs)
        # From below 0, where BP's own lines lie
        axes.set(
            ylim=(-4, max(95, 1.05 * highest)), yticks=range(0, 181 if highest > 100 else 91, 30)
        )
    axes.xaxis.get_major_locator().set_params(integer=True)
