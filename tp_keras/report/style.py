"""Names, colours and markers: one for each method, the same in all tables and figures."""

from collections.abc import Iterable

from tp_keras.lines import visible

NAMES = {
    "ao_sdtp": "AO-SDTP",
    "fixed_dtp": "FW-DTP",
    "frozen": "Frozen",
    "kolen_pollack": "Kolen-Pollack",
    "ldrl": "L-DRL",
    "sign_symmetry": "Sign-symmetry",
    "weight_mirror": "Weight mirror",
}
DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR-10", "imagenet2012": "ImageNet"}
NETS = {"fc": "FC", "lc": "LC", "conv": "ConvNet", "autoencoder": "autoencoder"}

# Dark for a rule and its parallel schedule, light for alternating: they differ in grey too
COLOURS = {
    "dtp": ("#08519c", "#6baed6"),
    "sdtp": ("#a50f15", "#fb8a6a"),
    "ao_sdtp": ("#54278f", "#a99bce"),
    "fa": ("#1a7837", "#1a7837"),
    "dfa": ("#b8860b", "#b8860b"),
    "bp": ("#000000", "#000000"),
    "tp": ("#00707a", "#63c1c9"),
}
MARKERS = {"dtp": "o", "sdtp": "s", "ao_sdtp": "^", "fa": "D", "dfa": "v", "bp": "x", "tp": "p"}
CONVNET = {"color": "#7f7f7f", "marker": "*"}
ORDER = ("dtp", "sdtp", "ao_sdtp", "fa", "dfa", "bp")
LATER_COLOURS = ("#d01c8b", "#8c510a", "#00b3a4", "#4d4d4d", "#e6550d", "#756bb1")
LATER_MARKERS = ("X", "P", "<", ">", "h", "d")


def dataset(name: str) -> str:
    """A dataset as titles name it."""
    return DATASETS.get(name, visible(name, 60))


def net(name: str) -> str:
    """A network as titles name it."""
    return NETS.get(name, name)


def label(architecture: str, method: str, schedule: str) -> str:
    """A row of Table 1, such as "DTP, parallel" or "BP, ConvNet"."""
    name = NAMES.get(method, method.upper().replace("_", "-"))
    shown = "" if method.endswith(schedule) else schedule  # the weight mirror's own is named by it
    parts = [name, shown, "ConvNet" if architecture == "conv" else ""]
    return ", ".join(part for part in parts if part)


def order(architecture: str, method: str, schedule: str) -> tuple:
    """Sorts rows as Table 1 does; rules that it lacks come last."""
    rank = ORDER.index(method) if method in ORDER else len(ORDER)
    schedules = ("", "parallel", "alternating")
    place = schedules.index(schedule) if schedule in schedules else len(schedules)
    return architecture == "conv", rank, method, place, schedule


class Lines:
    """Line styles by method; built once, so that a later rule keeps its colour in every figure.

    Args:
      methods: The method of each run in the report.
    """

    def __init__(self, methods: Iterable[str]):
        later = sorted(set(methods) - COLOURS.keys())
        self.later = {method: i for i, method in enumerate(later)}

    def __call__(self, architecture: str, method: str, schedule: str) -> dict:
        """Keywords for matplotlib's `plot`."""
        light = schedule == "alternating"
        if method in self.later:
            i = self.later[method]
            colours, rounds = len(LATER_COLOURS), i // len(LATER_COLOURS)
            marker = LATER_MARKERS[(i + rounds) % len(LATER_MARKERS)]  # 36 looks before one returns
            style = {"color": LATER_COLOURS[i % colours], "marker": marker}
        elif architecture == "conv" and method == "bp":
            style = dict(CONVNET)
        else:
            style = {"color": COLOURS[method][light], "marker": MARKERS[method]}
        return style | {"markerfacecolor": "white" if light else style["color"], "markersize": 4}
