"""Convolutions whose gradient damages memory are refused, and no others."""

from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

import tp_keras
from tp_keras.layers import Conv2D, onednn


def model(channels=3, kernel_size=1, strides=2):
    inputs = keras.Input((6, 6, channels))
    x = keras.layers.Conv2D(4, kernel_size, strides, name="shortcut")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="top")(keras.layers.Flatten()(x)))


@pytest.fixture
def faulty(monkeypatch, tmp_path):
    """A processor without AVX-512, with oneDNN."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setattr(onednn, "CPU", tmp_path / "cpuinfo")
    onednn.CPU.write_text("flags: fpu avx2")


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize(
    "use", [lambda m: tp_keras.convert(m, "fa"), tp_keras.Network.of], ids=["convert", "of"]
)
def test_strides_over_few_channels_are_refused(use):
    with pytest.raises(ValueError, match=r"'shortcut'.*over 3 channels.*TF_ENABLE_ONEDNN_OPTS=0"):
        use(model())
    for sound in ({"channels": 8}, {"kernel_size": 2}, {"strides": 1}):
        use(model(**sound))


@pytest.mark.usefixtures("faulty")
def test_our_own_layer_reads_every_second_pixel_instead():
    network = tp_keras.Network([Conv2D(4, 1, 2, "linear")], (6, 6, 1))
    x, (kernel, _) = tf.random.normal((5, 6, 6, 1)), network.f[1].weights
    np.testing.assert_allclose(network(x), x[:, ::2, ::2] * kernel[0, 0, 0], rtol=1e-6)


@pytest.mark.usefixtures("faulty")
def test_on_other_processors_or_settings_they_are_accepted(monkeypatch):
    onednn.CPU.write_text("flags: fpu avx2 avx512f")
    tp_keras.Network.of(model())
    onednn.CPU.write_text("flags: fpu avx2")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    tp_keras.Network.of(model())
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    with mock.patch("tensorflow.config.list_physical_devices", return_value=["GPU"]):
        tp_keras.Network.of(model())
