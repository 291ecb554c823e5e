"""What a Keras model's graph says: which of its layers pass an error on through a matrix."""

import keras

from tp_keras.layers import Affine, DirectFeedback, Feedback
from tp_keras.layers.stock import kernels, matrices

# sigma(W x + b), W the only matrix, or the two of a separable convolution
AFFINE = (
    Affine,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
# Weights of these act on each number by itself, or read no error: nothing is transposed
ELEMENTWISE = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.PReLU,
    keras.layers.Embedding,
    keras.layers.Normalization,
)


def check_model(model):
    """Raises ValueError unless `model` is a built Sequential or Functional model."""
    if not is_graph(model):
        raise ValueError(
            "`model` must be a Sequential or Functional model, whose layers Keras can list; in one "
            "of your own write tp_keras.layers.Feedback(layer, rule) where its layers are made; "
            f"received {type(model).__name__}"
        )
    if not model.built:
        raise ValueError(
            "`model` must be built: begin it with keras.Input(shape), or call "
            f"model.build(input_shape); received {model.name!r}, which is not"
        )


def is_graph(layer):
    """Whether this is a model whose layers and their order are known."""
    model = isinstance(layer, keras.Model)
    return model and (isinstance(layer, keras.Sequential) or hasattr(layer, "operations"))


def flat(model):
    """Yields all layers, nested models and what they hold."""
    for layer in model.layers:
        yield layer
        if is_graph(layer):
            yield from flat(layer)


def inner(layer):
    """The layer, or the one that our wrapper holds."""
    return layer.layer if isinstance(layer, (Feedback, DirectFeedback)) else layer


def passing(model, exclude=(), below=False):
    """Returns the layers through whose matrix errors have to pass, to weights further below.

    Weights that are frozen count, for they may be unfrozen.

    Args:
      model: A Sequential or Functional model.
      exclude: Names of layers and nested models to leave out.
      below: Whether something below the model has weights.

    Raises:
      ValueError: If a layer has matrices that no rule can replace.
    """
    above, found = _above(model), {}
    for layer in model.layers:
        needed = below or id(layer) in above
        if layer.name in exclude:
            continue
        if is_graph(layer):
            found |= {id(x): x for x in passing(layer, exclude, needed)}
        elif has_matrix(layer) and needed:
            found[id(layer)] = layer
    return list(found.values())


def _above(model):
    """Ids of the operations below which something has weights."""
    if isinstance(model, keras.Sequential):
        weights = [_has_weights(layer) for layer in model.layers]
        return {id(layer) for i, layer in enumerate(model.layers) if any(weights[:i])}
    learning, above, grown = {id(x) for x in model.operations if _has_weights(x)}, set(), True
    while grown:  # a shared layer reads what comes later in the list
        grown = False
        for operation in model.operations:
            parents = [p for node in operation._inbound_nodes for p in node.parent_nodes]
            below = any(id(parent.operation) in learning | above for parent in parents)
            if below and id(operation) not in above:
                above.add(id(operation))
                grown = True
    return above


def _has_weights(operation):
    return not isinstance(operation, keras.layers.Normalization) and bool(
        getattr(operation, "weights", [])
    )


def has_matrix(layer):
    """Whether errors descend through a matrix of this layer.

    Raises:
      ValueError: If through anything but the kernels of a layer known to be affine.
    """
    layer = inner(layer)
    found = matrices(layer)
    if not found or _is_one_of(layer, ELEMENTWISE):
        return False
    if not _is_one_of(layer, AFFINE) or not kernels(layer):
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) is not known to be one affine map and "
            f"an activation, and errors descend through its {[w.name for w in found]}: name it "
            "in `exclude` to let it keep its own gradient"
        )
    return True


def _is_one_of(layer, types):
    """Whether it computes what one of these Keras layers does, a user's subclass or not."""
    return any(isinstance(layer, t) and type(layer).call is t.call for t in types) or (
        Affine in types and isinstance(layer, Affine)
    )
