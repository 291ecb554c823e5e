"""The backward paths: dictionaries of `Transpose` layers, by layer number."""

import math

from tp_keras.layers import Conv2D, Dense, Transpose


def random(network):
    """B[2..L], from layer l to layer l - 1; fixed and linear."""
    return {l: _built(Transpose(f, trainable=False), f) for l, f in network.f.items() if l > 1}


def direct(network):
    """B[1..L-1], from the output to layer l; fixed and linear."""
    classes = network.f[network.depth].units
    layers = {l: _dense_above(network, l, classes) for l in range(1, network.depth)}
    return {l: _built(Transpose(layer, trainable=False), layer) for l, layer in layers.items()}


def inverses(network, activation, form="paired", auxiliary_units=0):
    """g[2..L], from layer l to layer l - 1; trained, with a bias.

    Args:
      network: The `Network` to invert.
      activation: The nonlinearity of the inverses.
      form: What an inverse of a local layer reads (section 4.2 of the paper tried all three):
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
    layer = type(f).from_config({**f.get_config(), "kernel_size": f.kernel_size + 2})
    layer.wire(f.in_shape)
    return layer


def _dense(f):
    layer = Dense(math.prod(f.out_shape), dtype=f.dtype_policy)
    layer.wire(f.in_shape)
    return layer


FORMS = {"paired": _paired, "wide": _wide, "dense": _dense}


def _dense_above(network, l, units):
    """The wiring of a `Dense(units)` that reads layer l."""
    layer = Dense(units, dtype=network.f[l + 1].dtype_policy)
    layer.wire(network.f[l + 1].in_shape)
    return layer


def _built(transpose, layer):
    transpose.build((None, *layer.out_shape))
    return transpose
