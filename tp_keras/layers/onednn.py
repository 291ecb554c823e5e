"""A fault of oneDNN, and the stock layers that would meet it."""

import os
import pathlib

import keras
import tensorflow as tf

CPU = pathlib.Path("/proc/cpuinfo")


def refuse_damaging(layers):
    """Raises ValueError for a convolution whose gradient writes beyond its memory here.

    With oneDNN on processors without AVX-512, TensorFlow 2.21's `Conv2DBackpropFilter` of windows
    of one pixel with strides does so where an image has few channels; multiples of eight are sound.
    """
    for layer in layers:
        if isinstance(layer, keras.layers.Conv2D) and _has_single_pixels(layer):
            channels = int(layer.kernel.shape[2])
            if channels % 8 and _is_faulty():
                raise ValueError(
                    f"layer {layer.name!r}: the gradient of a 1x1 convolution with strides over "
                    f"{channels} channels damages memory under oneDNN on this processor: set "
                    "TF_ENABLE_ONEDNN_OPTS=0 before Python starts, or put MaxPooling2D(1, strides) "
                    "before the layer in place of its strides"
                )


def _has_single_pixels(layer):
    return tuple(layer.kernel_size) == (1, 1) and max(layer.strides) > 1


def _is_faulty():
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "1" or tf.config.list_physical_devices("GPU"):
        return False
    return not CPU.exists() or "avx512f" not in CPU.read_text()
