"""The backward paths: dictionaries of backward layers, by layer number."""

import math

import keras

from tp_keras import keys
from tp_keras.blocks import layers_of
from tp_keras.layers import Conv2D, Dense, Feedback, RandomSigns, Transpose
from tp_keras.layers.affine import Affine, glorot


def random(network, rule="FA"):
    """B[2..L], from layer l to layer l - 1; fixed and linear; `rule` is named in errors."""
    affine_blocks(network, rule)
    return {l: _built(Transpose(f, trainable=False), f) for l, f in network.f.items() if l > 1}


def gaps(network, rule="KolenPollack", exact_top=False):
    """Random weights less each layer's own, of layers 2..L, laid out as its own.

    Args:
      network: The network.
      rule: Named in errors.
      exact_top: Whether layer L's gap is 0.
    """
    affine_blocks(network, rule)
    exact = network.depth if exact_top else None
    return {l: _gap(f, l == exact) for l, f in network.f.items() if l > 1}


def affine_blocks(network, rule):
    """Raises ValueError where a block that needs feedback weights is not affine."""
    for l, f in network.f.items():
        if l > 1 and not isinstance(f, Affine):
            raise ValueError(
                f"{rule} needs affine blocks, of tp_keras.layers, above the first: block {l} is "
                f"{type(f).__name__} {f.name!r}; tp_keras.convert (in an experiment file "
                "keras_model.rule) brings the rule to any model"
            )


def converted(network):
    """The layers of the network that know their own way back, `layers.Feedback`."""
    return [layer for layer in layers_of(network) if isinstance(layer, Feedback)]


def learned(network):
    """W and B of those of them whose B learns what W learns."""
    found = [f for f in converted(network) if getattr(f.rule, "learns", False)]
    return [weight for f in found for weight in (*f.kernels, *f.feedback)]


def _gap(f, exact):
    random = glorot(*f.fans)(f.kernel.shape, f.variable_dtype)
    gap = keras.ops.zeros_like(random) if exact else random - f.kernel
    return keras.Variable(gap, trainable=False, autocast=False, name=f"{f.name}_gap")


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
            f"`feedback_storage` must be one of {', '.join(STORAGES)}, received {storage!r:.60}"
        )
    classes = math.prod(network.shapes[network.depth])
    layers = {l: _dense_above(network, l, classes) for l in range(1, network.depth)}
    if storage == "seeded":
        return {l: _signs(f, keys.pair(seed, f"feedback {l}")) for l, f in layers.items()}
    dtype = "bfloat16" if storage == "stored_bfloat16" else None
    return {l: _built(Transpose(f, trainable=False, dtype=dtype), f) for l, f in layers.items()}


STORAGES = ("stored", "stored_bfloat16", "seeded")


def _signs(layer, seed):
    return RandomSigns(layer.units, layer.in_shape, seed, dtype=layer.dtype_policy)


def inverses(network, activation, form="paired", auxiliary_units=0, top=None, given=None):
    """g[2..L], from layer l to layer l - 1; trained, with a bias.

    Args:
      network: The `Network` to invert.
      activation: The nonlinearity of the inverses.
      form: What an inverse of a local layer reads (section 3.2 of the paper tried all three):
        "paired", what the layer wrote; "wide", two more pixels along each axis; "dense", all.
      auxiliary_units: How many auxiliary outputs g[L] reads beside the classes (AO-SDTP).
      top: Number of the topmost block to invert; None is L.
      given: Layers to take in place of these, by number of the block.

    Raises:
      ValueError: If `form` is none of these, or a given layer does not fit its block.
    """
    if form not in [*FORMS]:  # of a list, which has no hash, too
        raise ValueError(f"`inverse` must be one of {', '.join(FORMS)}, received {form!r:.60}")
    try:
        keras.activations.get(activation)
    except (ValueError, TypeError) as error:
        raise ValueError(
            "`inverse_activation` must be an activation of Keras, such as 'tanh' or 'linear', "
            f"received {activation!r:.60}"
        ) from error
    given = _by_number(given)
    L, top = network.depth, network.depth if top is None else top
    if not given.keys() <= set(range(2, top + 1)):
        raise ValueError(
            f"`inverses` must be layers by numbers of blocks, 2 to {top}, received {sorted(given)}"
        )
    found = {}
    for l in range(2, top + 1):
        units = auxiliary_units if l == L else 0
        if l in given:
            found[l] = _given(network, l, given[l], units)
        elif units:
            wide = _dense_above(network, l - 1, math.prod(network.shapes[l]) + units)
            found[l] = _inverse(wide, activation)
        elif isinstance(network.f[l], Affine):
            found[l] = _inverse(FORMS[form](network.f[l]), activation)
        else:
            found[l] = by_shape(network, l, activation)
    return found


def _by_number(given):
    """A user's own inverses by number; in a saved config the numbers are text."""
    wrong = (
        "`inverses` must be layers by numbers of blocks, such as {2: Dense(9)}, received "
        f"{given!r:.60}"
    )
    try:
        found = {int(l): g for l, g in (given or {}).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(wrong) from error
    if not all(isinstance(g, keras.Layer) for g in found.values()):
        raise ValueError(wrong)
    return found


def _inverse(layer, activation):
    return _built(Transpose(layer, activation=activation, use_bias=True), layer)


def _given(network, l, g, auxiliary_units):
    """Builds an inverse of the user's own and refuses one of another shape."""
    shape = list(network.shapes[l])
    shape[-1] += auxiliary_units
    made = g(keras.KerasTensor((None, *shape), dtype=g.compute_dtype))
    if tuple(made.shape[1:]) != network.shapes[l - 1]:
        raise ValueError(
            f"`inverses` must make {network.shapes[l - 1]} of {tuple(shape)} for block {l}: "
            f"{g.name} makes {tuple(made.shape[1:])}"
        )
    dtype = network.f[l].variable_dtype
    if made.dtype == dtype:
        return g
    exact = keras.layers.Activation("linear", dtype=dtype)  # in mixed precision h is float32
    return keras.Sequential([keras.Input(shape), g, exact], name=f"inverse_{l}")


def by_shape(network, l, activation):
    """The default inverse of a block that is not affine: of images to images a transposed
    convolution and a crop, else dense.
    """
    source, result = network.shapes[l - 1], network.shapes[l]
    dtype = network.f[l].dtype_policy
    if len(source) != 3 or len(result) != 3:
        return _inverse(_dense_between(source, math.prod(result), dtype), activation)
    strides = [-(-n // m) for n, m in zip(source[:2], result[:2], strict=True)]
    excess = [m * s - n for m, s, n in zip(result[:2], strides, source[:2], strict=True)]
    options = {"strides": strides, "padding": "same", "activation": activation, "dtype": dtype}
    kernel = [s + 2 for s in strides]
    return keras.Sequential(
        [
            keras.Input(result),
            keras.layers.Conv2DTranspose(source[2], kernel, **options),
            # In mixed precision, too, activations are float32
            keras.layers.Cropping2D(
                [(n // 2, n - n // 2) for n in excess], dtype=network.f[l].variable_dtype
            ),
        ],
        name=f"inverse_{l}",
    )


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
            read = math.prod(network.shapes[l])
            wiring = f if isinstance(f, Affine) else _dense_above(network, l - 1, read)
            layers[l] = _built(Transpose(wiring, activation="tanh", trainable=False), wiring)
            kernel = layers[l].kernel  # as yet uniform in Glorot's interval
            kernel.assign(kernel * (limit / math.sqrt(6.0 / sum(wiring.fans))))
    return layers


FORMS = {"paired": _paired, "wide": _wide, "dense": _dense}


def _dense_above(network, l, units):
    """The wiring of a `Dense(units)` that reads layer l."""
    return _dense_between(network.shapes[l], units, network.f[l + 1].dtype_policy)


def _dense_between(in_shape, units, dtype):
    layer = Dense(units, dtype=dtype)
    layer.wire(in_shape)
    return layer


def _built(transpose, layer):
    transpose.build((None, *layer.out_shape))
    return transpose
