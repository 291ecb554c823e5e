"""The paper's numbers: Tables 1 and 2 as printed, and what it says of its runs."""

import csv
import pathlib

FOLDER = pathlib.Path(__file__).parent / "paper"
# The paper trained AO-SDTP with this many auxiliary outputs; MNIST's number is not printed
AUXILIARY_UNITS = {"cifar10": 512}
TRAIN_EXAMPLES = {"mnist": 60_000, "cifar10": 50_000, "imagenet2012": 1_281_167}
CLASSES = {"mnist": 10, "cifar10": 10, "imagenet2012": 1000}
IMAGE_SIZE = {"imagenet2012": 224}
DATASETS = {"imagenet": "imagenet2012"}  # the paper's name to that of TensorFlow Datasets
ARCHITECTURES = ("fc", "lc", "conv", "autoencoder")
# Hidden layers of Table 3 and of appendix 5.5: units, and (kernel, channels, stride)
DENSE = {
    ("mnist", "fc"): [256] * 5,
    ("mnist", "lc"): [1024],
    ("mnist", "conv"): [1024],
    ("mnist", "autoencoder"): [512, 64, 512],
    ("cifar10", "fc"): [1024] * 3,
    ("cifar10", "lc"): [1024],
    ("cifar10", "conv"): [1024],
}
LOCAL = {
    "mnist": [(3, 32, 2), (3, 64, 2)],
    "cifar10": [(5, 64, 2), (5, 128, 2), (3, 256, 1)],
    "imagenet2012": [
        *[(9, 48, 4), (3, 48, 2), (5, 96, 1), (3, 96, 2), (3, 192, 1), (3, 192, 2), (3, 384, 1)]
    ],
}


def table(number: int) -> dict[tuple[str, str, str, str], dict[str, float]]:
    """The paper's errors in percent by dataset, architecture, method and schedule, as printed."""
    with (FOLDER / f"table{number}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        _cell(row): {k: float(v) for k, v in row.items() if k.endswith("error")} for row in rows
    }


def _cell(row):
    dataset = DATASETS.get(row["dataset"], row["dataset"])
    return dataset, row["architecture"], row["method"], row["schedule"]
