"""The backward paths: dictionaries of backward layers, by layer number."""

import math

import keras

from tp_keras import keys
from tp_keras.layers import Conv2D, Dense, RandomSigns, Transpose
from tp_keras.layers.affine import glorot


def random(network):
    """B[2..L], from layer l to layer l - 1; fixed and linear."""
    return {l: _built(Transpose(f, trainable=False), f) for l, f in network.f.items() if l > 1}


def gaps(network):
    """Weights of layers 2..L that random ones have beyond each layer's own, laid out as its own."""
    return {l: _gap(f) for l, f in network.f.items() if l > 1}


def _gap(f):
    random = glorot(*f.fans)(f.kernel.shape, f.variable_dtype)
    options = {"trainable": False, "autocast": False, "name": f"{f.name}_gap"}
    return keras.Variable(random - f.kernel, **options)


def direct(network, storage="stored", seed=0):
    """B[1..L-1], from the output to layer l; fixed and linear.

    Args:
      network: The `Network` that learns.
      storage: "stored", "stored_bfloat16" in half the memory, or "seeded": random signs that take
        none, drawn again where they are used.
      seed: Seed of "seeded", an integer.

    Raises:
      ValueError: If `storage` is none of these.
    """
    if storage not in STORAGES:
        raise ValueError(
            f"`feedback_storage` must be one of {', '.join(STORAGES)}, received {storage!r}"
        )
    classes = network.f[network.depth].units
    layers = {l: _dense_above(network, l, classes) for l in range(1, network.depth)}
    if storage == "seeded":
        return {l: _signs(f, keys.pair(seed, f"feedback {l}")) for l, f in layers.items()}
    dtype = "bfloat16" if storage == "stored_bfloat16" else None
    return {l: _built(Transpose(f, trainable=False, dtype=dtype), f) for l, f in layers.items()}


STORAGES = ("stored", "stored_bfloat16", "seeded")


def _signs(layer, seed):
    return RandomSigns(layer.units, layer.in_shape, seed, dtype=layer.dtype_policy)


def inverses(network, activation, form="paired", auxiliary_units=0):
    """g[2..L], from layer l to layer l - 1; trained, with a bias.

    Args:
      network: The `Network` to invert.
      activation: The nonlinearity of the inverses.
      form: What an inverse of a local layer reads (section 3.2 of the paper tried all three):
        "paired", what the layer wrote; "wide", two more pixels along each axis; "dense", all.
      auxiliary_units: How many auxiliary outputs g[L] reads beside the classes (AO-SDTP).

    Raises:
      ValueError: If `form` is none of these.
    """
    if form not in FORMS:
        raise ValueError(f"`inverse` must be one of {', '.join(FORMS)}, received {form!r}")
    layers = {l: FORMS[form](f) for l, f in network.f.items() if l > 1}
    L = network.depth
    if auxiliary_units:
        layers[L] = _dense_above(network, L - 1, network.f[L].units + auxiliary_units)
    options = {"activation": activation, "use_bias": True}
    return {l: _built(Transpose(layer, **options), layer) for l, layer in layers.items()}


def _paired(f):
    return f


def _wide(f):
    if not isinstance(f, Conv2D):  # a dense layer's inverse reads everything already
        return f
    layer = type(f).from_config({**f.get_config(), "kernel_size": [n + 2 for n in f.kernel_size]})
    layer.wire(f.in_shape)
    return layer


def _dense(f):
    layer = Dense(math.prod(f.out_shape), dtype=f.dtype_policy)
    layer.wire(f.in_shape)
    return layer


def fixed_inverses(network, limit):
    """g[2..L], from layer l to layer l - 1; fixed, tanh, no bias, uniform in [-limit, limit]."""
    layers = {}
    for l, f in network.f.items():
        if l > 1:
            layers[l] = _built(Transpose(f, activation="tanh", trainable=False), f)
            kernel = layers[l].kernel  # as yet uniform in Glorot's interval
            kernel.assign(kernel * (limit / math.sqrt(6.0 / sum(f.fans))))
    return layers


FORMS = {"paired": _paired, "wide": _wide, "dense": _dense}


def _dense_above(network, l, units):
    """The wiring of a `Dense(units)` that reads layer l."""
    layer = Dense(units, dtype=network.f[l + 1].dtype_policy)
    layer.wire(network.f[l + 1].in_shape)
    return layer


def _built(transpose, layer):
    transpose.build((None, *layer.out_shape))
    return transpose
