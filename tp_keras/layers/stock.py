"""What our wrappers read from a stock Keras layer, take from it, and give back."""

import contextlib
import zlib

import keras

from tp_keras.layers.affine import Affine, glorot


def refuse_channels_first(layer, way_out=""):
    """Raises ValueError for a layer whose channels are in front: no rule is tested on it."""
    if getattr(layer, "data_format", None) == "channels_first":
        raise ValueError(
            f"layer {layer.name!r} is channels_first, on which no rule is tested: build the model "
            f"with channels_last{way_out}"
        )


def take_activation(wrapper, activation=None):
    """Returns the activation, by default that of the wrapped layer, which becomes linear."""
    layer = wrapper.layer
    activation = keras.activations.get(activation or getattr(layer, "activation", None))
    layer.activation = keras.activations.linear
    # What Keras adds up over a layer's outputs has to see sigma(a)
    if layer.activity_regularizer is not None:
        wrapper.activity_regularizer = layer.activity_regularizer
        layer.activity_regularizer = None
    return activation


def with_activation(layer, activation, wrapper):
    """Returns a new layer like `layer`, with what a wrapper took from it, under its name."""
    config = {**layer.get_config(), "name": wrapper.name}
    if "activation" in config:
        config["activation"] = keras.activations.serialize(activation)
    if wrapper.activity_regularizer is not None:
        regularizer = keras.regularizers.serialize(wrapper.activity_regularizer)
        config["activity_regularizer"] = regularizer
    return type(layer).from_config(config)


@contextlib.contextmanager
def without_mixed_precision(layer):
    """Within, a layer computes in the type of its variables."""
    policy, layer.dtype_policy = layer.dtype_policy, layer.variable_dtype
    try:
        yield
    finally:
        layer.dtype_policy = policy


def matrices(layer):
    """The weights through which errors descend: all of two axes or more but the bias."""
    bias = getattr(layer, "bias", None)  # of a locally connected layer as large as its output
    return [w for w in layer.weights if len(w.shape) > 1 and w is not bias]


def kernels(layer):
    """The kernels of an affine layer, from its input on; [] where there are other matrices."""
    separable = hasattr(layer, "pointwise_kernel")
    names = ("depthwise_kernel", "pointwise_kernel") if separable else ("kernel",)
    found = [getattr(layer, name, None) for name in names]
    alone = all(any(w is kernel for kernel in found) for w in matrices(layer))
    return found if alone and all(isinstance(k, keras.Variable) for k in found) else []


def initializer(layer, name):
    """What the layer draws its kernel of that name by."""
    if isinstance(
        layer, Affine
    ):  # of weights that are not shared Keras would count the fans wrongly
        return glorot(*layer.fans)
    names = (f"{name}_initializer", "kernel_initializer", "depthwise_initializer")
    return next((getattr(layer, n) for n in names if hasattr(layer, n)), None)


def another(initializer):
    """Returns the same distribution with other numbers; Glorot's where there is no distribution.

    An initializer draws the same numbers at every call: B drawn by the kernel's own would be W.
    """
    config = initializer.get_config() if isinstance(initializer, keras.Initializer) else {}
    if "seed" not in config:  # zeros, a constant: errors would stop, or all be equal
        return keras.initializers.GlorotUniform()
    if config["seed"] is not None:
        config["seed"] = zlib.crc32(f"feedback {config['seed']}".encode()) >> 1
    return type(initializer).from_config(config)
