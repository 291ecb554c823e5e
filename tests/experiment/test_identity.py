"""Which settings make two starts the same experiment: one list, for runs and for the report."""

import dataclasses

import gin
import numpy as np
import pytest
import rules
import tensorflow as tf

import tp_keras
from tp_keras import data
from tp_keras.experiment import cli, identity
from tp_keras.experiment.bindings import parse_bindings
from tp_keras.may_change import MAY_CHANGE
from tp_keras.report import shared

LEAF = """
train.learner = @SDTP
SDTP.noise_stddev = 0.1
train.callbacks = \\
    [@EarlyStopping,
     @Diagnostics]
EarlyStopping.patience = 3
scope/Diagnostics.every = 2
load.name = 'mnist'
"""
SAME = [
    *(f"{name} = 7" for name in MAY_CHANGE if name != "train.callbacks"),
    "data.load.data_dir = '/a/b'",
    "EarlyStopping.patience = 5",
    "Diagnostics.every = 5",
]
OTHER = [
    "SDTP.noise_stddev = 0.2",
    "train.learner = @DTP",
    "load.name = 'cifar10'",
    "train.seedless = 7",
    "pretrain.epochs = 7",
    "inverse/adam.learning_rate = 7",
]


def bound(line):
    """The experiment with a binding added, or replaced if it has one of that name."""
    name = line.partition("=")[0]
    kept = [one for one in LEAF.splitlines() if not one.rpartition("/")[2].startswith(name)]
    return "\n".join([line, *kept])


def by_report(text):
    return parse_bindings(shared.shared_settings(text))


@pytest.mark.parametrize("line", [*SAME, *OTHER])
def test_run_and_report_agree_on_what_makes_an_experiment(line):
    other, expected = bound(line), line in SAME
    assert (identity.identity(other) == identity.identity(LEAF)) == expected
    assert (by_report(other) == by_report(LEAF)) == expected
    assert by_report(other) == identity.identity(other)


def test_callbacks_and_all_their_parameters_may_be_left_out():
    without = [line for line in LEAF.splitlines() if line.startswith(("SDTP", "load", "train.l"))]
    assert identity.identity("\n".join(without)) == identity.identity(LEAF)


def test_a_seed_is_part_of_a_run_and_not_of_a_cell():
    one, other = ("seed = 1\n" + LEAF, "seed = 2\n" + LEAF)
    assert identity.identity(one) != identity.identity(other)
    assert by_report(one) == by_report(other) == by_report(LEAF)


def dataset(**changed):
    random = np.random.default_rng(0)
    x, y = random.random((12, 4, 5, 2), "float32"), np.arange(12) % 3
    made = data.from_arrays((x, y), test=(x[:5], y[:5]), batch_size=4)
    return dataclasses.replace(made, **changed)


def difference(learner=None, **changed):
    """The first difference to the description of SDTP on the dataset; empty without one."""
    before = identity.describe(dataset(), rules.compiled("sdtp"))
    after = identity.describe(dataset(**changed), learner or rules.compiled("sdtp"))
    before, after = identity.identity(before), identity.identity(after)
    return "" if after == before else identity.first_difference(before, after)


def test_workers_compare_settings_versions_and_epochs_but_not_where_each_keeps_its_files():
    gin.clear_config()
    for name in ("train.seed", "train.wait_minutes", "train.strategy"):
        gin.bind_parameter(name, 3)
    for name in ("train.run_dir", "tp_keras.data.load.data_dir"):
        gin.bind_parameter(name, "x")
    same = cli.same_for_all_workers(7)
    gin.clear_config()
    versions = {"tp_keras": tp_keras.__version__, "tensorflow": tf.__version__}
    assert same == {"train.seed": "3", "train.epochs": "7", **versions}


def test_descriptions_of_two_learners_differ_where_their_settings_do():
    assert difference() == ""  # Keras has given its layers other names
    assert difference(rules.compiled("dtp")).startswith("learner: 'tp_keras>SDTP' there")
    other = rules.compiled("sdtp", noise_stddev=0.7)
    assert difference(other) == "learner.noise_stddev: 0.2 there, 0.7 here"
    other.noise_stddev = 0.2
    other.inverse_optimizer.learning_rate = 0.5
    name = "inverse_optimizer.learning_rate"
    assert difference(other).startswith(name) and difference(other).endswith("0.5 here")


def test_descriptions_of_two_datasets_differ_where_they_do():
    x, y = dataset().train
    other = x.copy()
    other[3, 2, 1, 0] += 0.5
    assert difference(train=(x.copy(), y.copy())) == ""
    assert difference(train=(other, y)).startswith("dataset.sample: ")
    assert difference(batch_size=3) == "dataset.batch_size: 4 there, 3 here"
    assert difference(name="mine") == "dataset.name: 'arrays' there, 'mine' here"


def test_a_description_has_a_line_for_each_setting_and_none_for_speed():
    text = identity.describe(dataset(), rules.compiled("sdtp"))
    comment, *lines = text.splitlines()
    assert comment.startswith("#") and len(parse_bindings(text)) == len(lines)
    assert not [line for line in lines if "steps_per_execution" in line or "eagerly" in line]
