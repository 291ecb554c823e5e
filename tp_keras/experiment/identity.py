"""Which settings make two starts the same experiment, and the text that records them."""

import dataclasses
import re
from collections.abc import Iterator

import keras
import numpy as np

from tp_keras.data.base import Dataset
from tp_keras.experiment.bindings import parse_bindings
from tp_keras.experiment.measured import Measured
from tp_keras.may_change import MAY_CHANGE

# Options of `compile` that change how fast a step is, or what is measured beside it
OF_SPEED = ("steps_per_execution", "jit_compile", "run_eagerly", "metrics", "weighted_metrics")
FROM_PYTHON = "# Of a run that was started from Python: a record, no experiment file\n"


def identity(operative: str) -> dict[str, str]:
    """Returns the settings that make a run what it is, by parameter.

    These are all bindings but those in `MAY_CHANGE` and the parameters of the run's callbacks.
    """
    found = parse_bindings(operative)
    callbacks = re.findall(r"@([\w./]+)", found.get("train.callbacks", ""))
    free = MAY_CHANGE + tuple(f"{name.rpartition('/')[2]}.*" for name in callbacks)
    return {name: value for name, value in found.items() if not _is_one_of(name, free)}


def first_difference(found: dict[str, str], wanted: dict[str, str]) -> str:
    """Returns the first parameter in which two runs' settings differ, and both values, as text."""
    name = next(n for n in [*found, *wanted] if found.get(n) != wanted.get(n))
    return f"{name}: {found.get(name, 'not set')} there, {wanted.get(name, 'not set')} here"


def describe(dataset: Dataset, learner: keras.Model, schedule=None) -> str:
    """Returns the settings of a run that no experiment file describes, a line each.

    They are the configs of the learner and of its optimizers, and what the dataset holds.
    """
    compiled = learner.get_compile_config() or {}
    settings = {
        "learner": keras.saving.get_registered_name(type(learner)),
        **dict(_flat("learner", learner.get_config())),
        **dict(pair for k, v in compiled.items() if k not in OF_SPEED for pair in _flat(k, v)),
        **({} if learner.objective else {"errors are": Measured(learner).unit}),
        "schedule": type(schedule).__name__ if schedule else None,
        **dict(_flat("dataset", _contents(dataset), keep_name=True)),
    }
    return FROM_PYTHON + "".join(f"{name} = {value!r}\n" for name, value in settings.items())


def _is_one_of(name, patterns):
    """Whether a binding is one of these, whatever its scope and modules; "A.*" is all of A's."""
    for pattern in patterns:
        configurable, _, parameter = pattern.rpartition(".")
        parameter = r"\w+" if parameter == "*" else re.escape(parameter)
        if re.fullmatch(rf"(?:.*[./])?{re.escape(configurable)}\.{parameter}", name):
            return True
    return False


def _flat(name, value, keep_name=False) -> Iterator[tuple]:
    """A config, nested as Keras serializes it, as pairs of a dotted name and a value.

    The names of layers and optimizers are left out: Keras counts them up within a process.
    """
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        yield name, value["class_name"]
        yield from _flat(name, value["config"], "Policy" in value["class_name"])
    elif isinstance(value, dict):
        for key, part in value.items():
            if key != "name" or keep_name:
                yield from _flat(f"{name}.{key}", part)
    elif isinstance(value, list | tuple) and any(isinstance(part, dict) for part in value):
        for number, part in enumerate(value):
            yield from _flat(f"{name}.{number}", part)
    else:
        yield name, value


def _contents(dataset):
    """A dataset's options, and what tells its data from other data."""
    fields = {field.name: getattr(dataset, field.name) for field in dataclasses.fields(dataset)}
    arrays = {k: v.tolist() for k, v in fields.items() if isinstance(v, np.ndarray | np.generic)}
    plain = (str, bool, int, float, type(None))
    options = {name: value for name, value in fields.items() if isinstance(value, plain)}
    return {**options, **arrays, **dataset.fingerprint}
