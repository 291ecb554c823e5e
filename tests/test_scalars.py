"""What counts as a number, wherever one is checked."""

import math
from decimal import Decimal
from fractions import Fraction

import gin
import numpy as np
import pytest

import tp_keras
import tp_keras.train
from tp_keras import learners, scalars
from tp_keras.experiment import CheckpointPolicy, kinds
from tp_keras.feedback_rules import WeightMirror
from tp_keras.layers import Conv2D, Dense
from tp_keras.learners.sdtp import SDTP

WHOLE = (3, np.int64(3), np.uint8(3), np.int16(3))
REAL = (*WHOLE, 0.5, np.float32(0.5), np.float64(0.5), np.float16(0.5), Fraction(1, 2))
NONE = (True, False, np.bool_(True), None, "3", b"3", 3j, np.complex64(3), [3], np.array(3))
NONE += (np.array([3]), Decimal(3), np.timedelta64(3), np.str_("3"))


def test_numbers_of_python_and_numpy_count_and_nothing_else_does():
    assert all(map(scalars.is_whole, WHOLE)) and all(map(scalars.is_real, REAL))
    assert not any(map(scalars.is_whole, (*NONE, 3.0, np.float32(3), Fraction(3))))
    assert not any(map(scalars.is_real, NONE))


@pytest.mark.parametrize("value", REAL, ids=repr)
def test_a_number_becomes_python_s_own_of_the_same_value(value):
    plain = scalars.plain(value)
    assert plain == value and type(plain) is (int if scalars.is_whole(value) else float)
    assert plain == scalars.real("x", value, 0) and kinds.number(0, 9).allows(value)
    assert kinds.whole(0, 9).allows(value) == scalars.is_whole(value)


@pytest.mark.parametrize("value", [*NONE, math.nan, np.float32("nan"), math.inf, -1, 1e31])
def test_all_else_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^`x` must be a number of at least 0, received"):
        scalars.real("`x`", value, 0)
    with pytest.raises(ValueError, match=r"^`x` must be a whole number of at least 0, received"):
        scalars.whole("`x`", value, 0)
    assert not kinds.number(0, 1e30).allows(value) and not kinds.whole(0, 9).allows(value)


def test_every_class_that_checks_its_numbers_takes_those_of_numpy(network):
    assert type(Dense(np.int64(4)).units) is int
    assert Conv2D(np.uint8(4), np.int32(3), (np.int64(1), 2)).strides == (1, 2)
    rule = SDTP(network, noise_stddev=np.float32(0.5), seed=np.int64(3))
    assert type(rule.noise_stddev) is float and type(rule.seed) is int
    assert type(WeightMirror(np.float32(0.5)).rate) is float
    assert CheckpointPolicy(np.int64(5), np.float32(0.5), np.int32(1)).steps == 5
    with pytest.raises(ValueError, match=r"auxiliary_units. must be a whole number of at least 1"):
        learners.AOSDTP(network, noise_stddev=0.1, auxiliary_units=2.5)
    for refused in (lambda: Dense(True), lambda: Conv2D(True, 3), lambda: Conv2D(4, True)):
        with pytest.raises(
            ValueError, match=r"must be a whole number of at least 1.*received True"
        ):
            refused()


@pytest.fixture
def network():
    return tp_keras.Network([Dense(4, "tanh"), Dense(3, "softmax")], (5,))


@pytest.mark.usefixtures("clean_gin")
def test_gin_writes_a_number_of_numpy_as_python_s_own():
    gin.bind_parameter("SDTP.noise_stddev", np.float32(0.5))
    gin.bind_parameter("inverse/adam.beta_1", np.float64(0.25))
    gin.bind_parameter("build.dense", [np.int64(7), 8])
    gin.bind_parameter("train.epochs", np.int64(2))
    gin.bind_parameter("build.activation", "tanh")
    gin.finalize()
    assert type(gin.query_parameter("SDTP.noise_stddev")) is float
    lines = set(gin.config_str().splitlines())
    assert {
        "SDTP.noise_stddev = 0.5",
        "inverse/adam.beta_1 = 0.25",
        "build.dense = [7, 8]",
        "train.epochs = 2",
        "build.activation = 'tanh'",
    } <= lines
