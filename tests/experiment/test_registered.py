"""Keras' optimizers and learning-rate schedules in gin: each is the one that Python would make."""

import gin
import keras
import numpy as np
import pytest
import rules

from tp_keras.experiment import cli, registered

# Of a schedule, what it takes beside the defaults
SCHEDULES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [1], "values": [0.1, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
}


@pytest.fixture(autouse=True)
def _clean():
    gin.clear_config()
    yield
    gin.clear_config()


def optimizers(*settings):
    """What `train` would compile a rule with inverses with."""
    gin.parse_config(settings)
    bound = gin.get_bindings(cli.train)
    return cli.make_optimizers(bound["optimizer"], bound.get("inverse_optimizer"))


def weights_after_two_steps(made):
    """All weights that a rule with inverses reaches, from equal ones, without noise."""
    keras.utils.set_random_seed(0)
    learner = rules.compiled("sdtp", noise_stddev=0.0, **made)
    x, y = rules.batch()
    for _ in range(2):
        learner.train_on_batch(x, y)
    return learner.get_weights()


def assert_equal_steps(made, expected):
    received, wanted = weights_after_two_steps(made), weights_after_two_steps(expected)
    for one, other in zip(received, wanted, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", registered.OPTIMIZERS)
def test_an_optimizer_takes_the_steps_of_the_one_made_in_python(name):
    made = optimizers(
        f"train.optimizer = @{name}",
        f"train.inverse_optimizer = @inverse/{name}",  # the scope may be said, and need not
        f"forward/{name}.learning_rate = 0.01",
        f"inverse/{name}.learning_rate = 0.02",
    )
    kind = getattr(keras.optimizers, name)
    assert [type(optimizer) for optimizer in made.values()] == [kind] * 2
    assert_equal_steps(made, {"optimizer": kind(0.01), "inverse_optimizer": kind(0.02)})


@pytest.mark.parametrize("name", registered.SCHEDULES)
def test_a_schedule_takes_the_steps_of_the_one_made_in_python(name):
    arguments = SCHEDULES[name]
    made = optimizers(
        "train.optimizer = @SGD",
        "train.inverse_optimizer = @AdamW",
        f"forward/SGD.learning_rate = @{name}()",
        "forward/SGD.momentum = 0.5",
        f"AdamW.learning_rate = @{name}()",
        *(f"{name}.{parameter} = {value}" for parameter, value in arguments.items()),
    )
    schedule = getattr(keras.optimizers.schedules, name)
    forward = keras.optimizers.SGD(schedule(**arguments), momentum=0.5)
    inverse = keras.optimizers.AdamW(schedule(**arguments))
    assert_equal_steps(made, {"optimizer": forward, "inverse_optimizer": inverse})


def test_schedules_and_optimizers_are_all_that_keras_has():
    """A new one of Keras is to be added, or named here with the reason."""
    no_rule = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
    two_kinds_of_weights = {"ScheduleFreeAdamW"}  # its weights at a test are not those of training
    found = {name for name in dir(keras.optimizers) if name[0].isupper()}
    assert found - no_rule - two_kinds_of_weights == set(registered.OPTIMIZERS)
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
