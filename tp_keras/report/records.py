"""Reads `result.json` and `operative.gin`, checked whole: what passes is shown without failing.

As in `series`, a function raises ValueError or OSError, or what a library makes of a file that is
not what it says; `runs` turns all of these into one line.
"""

import json
import pathlib
import re
import reprlib

from tp_keras.lines import visible
from tp_keras.report import files

MEGABYTE = 2**20
LARGEST = 1e9  # of a loss or a squared error; a run that exceeds a loss of 1e6 is stopped
PERCENT, SQUARED, LOSS = "%", "squared error", "loss"  # what errors are, and their limits
LIMITS = {PERCENT: (0, 100), SQUARED: (0, LARGEST), LOSS: (-LARGEST, LARGEST)}
# Also what a file of TeX, a spreadsheet or a page could take for a command stays out of these
NAME = re.compile(r"[^\W_][\w .,:/()+&#*-]{0,79}")
LONGEST_NAME = 5000  # of a dataset, which may be a path
NAMES = ("architecture", "method", "schedule")
# Whole numbers of result.json: least, largest, whether each run has it
COUNTS = {
    "seed": (-(2**63), 2**63, True),
    "epochs": (0, 10**7, True),
    "asked_epochs": (0, 10**7, False),
    "best_epoch": (1, 10**7, False),
    "train_examples": (1, 10**12, False),
    "validation_examples": (0, 10**12, False),
    "classes": (1, 10**9, False),
}
ERRORS = ("best_test_error", "final_test_error", "final_train_error")
OPTIONAL_ERRORS = ("measured_train_error", "best_test_top5_error", "chosen_test_error")


def read_result(path: pathlib.Path, operative: str) -> dict:
    """The fields of `result.json` that the report knows; those that it may lack are None."""
    text = files.read(path, MEGABYTE)
    try:
        content = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({files.reason(error)})") from error
    if not isinstance(content, dict):
        raise ValueError(f"must be an object, received {reprlib.repr(content)}")
    result = {"dataset": _text(content, "dataset")}
    result |= {key: _name(content, key) for key in NAMES}
    result |= {key: _count(content, key, *limits) for key, limits in COUNTS.items()}
    result["errors_are"] = _unit(content, result["architecture"], operative)
    limits = LIMITS[result["errors_are"]]
    for key in (*ERRORS, *OPTIONAL_ERRORS):
        needed = key in ERRORS and result["epochs"] > 0
        result[key] = _number(content, key, *limits, needed)
    return result


def _unit(content, architecture, operative):
    """What a run's errors are; older runs do not say it themselves."""
    squared = architecture == "autoencoder" or "objective = @SquaredError" in operative
    value = content.get("errors_are", SQUARED if squared else PERCENT)
    if value not in (PERCENT, SQUARED, LOSS):
        raise ValueError(f"errors_are must be %, squared error or loss, received {value!r:.60}")
    return value


def read_operative(path: pathlib.Path) -> str:
    return files.read(path, MEGABYTE).decode()


def _text(content, key):
    value = content.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
        raise ValueError(f"{key} must be text, received {reprlib.repr(value)}")
    return visible(value)


def _name(content, key):
    value = content.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} must be text, received {reprlib.repr(value)}")
    if not (NAME.fullmatch(value) or (key == "schedule" and not value)):
        allowed = "up to 80 letters, digits and any of _ .,:/()+&#*-"
        raise ValueError(f"{key} must be {allowed}, received {reprlib.repr(value)}")
    return value


def _count(content, key, least, largest, needed):
    value = content.get(key)
    if value is None and not needed:
        return None
    if type(value) is not int or not least <= value <= largest:
        received = reprlib.repr(value)
        raise ValueError(f"{key} must be a whole number from {least}, received {received}")
    return value


def _number(content, key, least, largest, needed):
    value = content.get(key)
    if value is None and not needed:
        return None
    if type(value) not in (int, float) or not least <= value <= largest:
        received = reprlib.repr(value)
        raise ValueError(
            f"{key} must be a number from {least:g} to {largest:g}, received {received}"
        )
    return float(value)
