"""Keras' optimizers and learning-rate schedules in gin."""

import gin
import keras
import numpy as np
import pytest
import rules

from tp_keras.experiment import cli, registered

pytestmark = pytest.mark.usefixtures("clean_gin")
# The arguments of a schedule that have no default
SCHEDULES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [1], "values": [0.1, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
}


def optimizers(*settings):
    """The optimizers that `train` would give to `compile`."""
    gin.parse_config(settings)
    bound = gin.get_bindings(cli.train)
    return cli.make_optimizers(bound["optimizer"], bound.get("inverse_optimizer"))


def assert_equal(made, expected):
    for one, other in zip(made.values(), expected, strict=True):
        assert type(one) is type(other)
        assert {**one.get_config(), "name": ""} == {**other.get_config(), "name": ""}


@pytest.mark.parametrize("name", registered.OPTIMIZERS)
def test_an_optimizer_is_the_one_made_in_python(name):
    made = optimizers(
        f"train.optimizer = @{name}",
        f"train.inverse_optimizer = @inverse/{name}",  # the scope may be given, and need not
        f"forward/{name}.learning_rate = 0.03",
        f"inverse/{name}.learning_rate = 0.02",
    )
    kind = getattr(keras.optimizers, name)
    assert_equal(made, [kind(0.03), kind(0.02)])


@pytest.mark.parametrize("name", registered.OPTIMIZERS)
def test_an_optimizer_moves_every_weight_of_network_and_inverses(name):
    kind = getattr(keras.optimizers, name)
    learner = rules.compiled("sdtp", rules.dense_network(), kind(0.01), kind(0.02))
    before = [w.numpy() for w in learner.trainable_variables]
    learner.train_on_batch(*rules.batch())
    for old, w in zip(before, learner.trainable_variables, strict=True):
        assert np.isfinite(w).all() and np.any(old != w), w.path


@pytest.mark.parametrize("name", registered.SCHEDULES)
def test_a_schedule_is_the_one_made_in_python(name):
    arguments = SCHEDULES[name]
    made = optimizers(
        "train.optimizer = @SGD",
        "train.inverse_optimizer = @AdamW",
        f"forward/SGD.learning_rate = @{name}()",
        "forward/SGD.momentum = 0.5",
        f"AdamW.learning_rate = @{name}()",
        *(f"{name}.{parameter} = {value}" for parameter, value in arguments.items()),
    )
    schedule = getattr(keras.optimizers.schedules, name)(**arguments)
    forward = keras.optimizers.SGD(schedule, momentum=0.5)
    assert_equal(made, [forward, keras.optimizers.AdamW(schedule)])


def test_every_optimizer_and_schedule_of_keras_is_registered():
    """A new one in Keras is to be registered, or excluded here with the reason."""
    not_by_itself = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
    other_weights = {"ScheduleFreeAdamW"}  # evaluates with other weights than it trains
    found = {name for name in dir(keras.optimizers) if name[0].isupper()}
    assert found - not_by_itself - other_weights == set(registered.OPTIMIZERS)
    found = {name for name in dir(keras.optimizers.schedules) if name[0].isupper()}
    assert found - {"LearningRateSchedule"} == set(registered.SCHEDULES) == set(SCHEDULES)


def test_a_scope_binds_its_own_optimizer_alone():
    made = optimizers(
        "train.optimizer = @SGD",
        "train.inverse_optimizer = @SGD",
        "SGD.learning_rate = 0.5",
        "inverse/SGD.momentum = 0.9",
    )
    found = [(float(o.learning_rate), o.momentum) for o in made.values()]
    assert found == [(0.5, 0.0), (0.5, 0.9)]


def test_a_misspelt_setting_of_an_optimizer_is_named():
    with pytest.raises(ValueError, match="momentun"):
        optimizers("train.optimizer = @SGD", "forward/SGD.momentun = 0.9")
