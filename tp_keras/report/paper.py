"""The paper's numbers: Tables 1 and 2 as printed, and what it says of its runs."""

import csv
import pathlib

FOLDER = pathlib.Path(__file__).parent / "paper"
# The paper trained AO-SDTP with this many auxiliary outputs; MNIST's number is not printed
AUXILIARY_UNITS = {"cifar10": 512}
# Images of the whole training set: a run on fewer is no entry of Table 2
TRAIN_EXAMPLES = {"imagenet2012": 1_281_167}
DATASETS = {"imagenet": "imagenet2012"}  # the paper's name to that of TensorFlow Datasets


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
