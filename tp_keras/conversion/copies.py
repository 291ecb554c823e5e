"""Copies of Keras models with other layers, which keep all that a model has learned."""

import keras

from tp_keras.conversion.graphs import inner, is_graph
from tp_keras.layers import DirectFeedback, Feedback, Landing


def rebuilt(model, clone, call=None, recursive=True):
    """`keras.models.clone_model` that keeps weights, seeds, `trainable` and settings of `compile`.

    Args:
      model: A built Sequential or Functional model.
      clone, call: Functions that make a layer's copy, and call it; see `clone_model`.
      recursive: Whether the layers of nested models are copied one by one.

    Raises:
      ValueError: If Keras would give the copy another class.
    """

    def clone_function(operation):  # an operation such as x + y holds nothing
        return clone(operation) if isinstance(operation, keras.layers.Layer) else operation

    inputs = None
    if not isinstance(model, keras.Sequential):  # Keras would name them anew
        inputs = keras.tree.map_structure(_input, model.input)
    result = keras.models.clone_model(model, inputs, clone_function, call, recursive)
    check_class(model, result)
    _copy_state(model, result)
    if model.compiled:  # again, for what is frozen by now needs no optimizer
        result.compile_from_config(model.get_compile_config())
    return result


def check_class(model, copy):
    """Raises ValueError where a copy would lose the methods of a class."""
    if type(copy) is not type(model):
        raise ValueError(
            f"`model` must be Sequential or Functional, and Keras copies {type(model).__name__} "
            "without its own methods: convert keras.Model(model.input, model.output)"
        )


def as_it_is(layer):
    """Returns a new layer like this one, without its weights."""
    if isinstance(layer, keras.layers.Lambda):  # its function has no way through a config
        return layer
    return type(layer).from_config(layer.get_config())


def without_feedback(layer):
    """Returns a new stock layer like this one, without its weights."""
    ours = isinstance(layer, (Feedback, DirectFeedback))
    return layer.plain() if ours else as_it_is(layer)


def _input(x):
    name = x._keras_history.operation.name
    return keras.Input(batch_shape=x.shape, dtype=x.dtype, name=name)


def _copy_state(old, new):
    """Copies weights, seeds and `trainable`; feedback weights where both layers have some."""
    new.trainable = old.trainable
    if is_graph(old):
        for layer in old.layers:
            if not isinstance(
                inner(layer), (Landing, keras.layers.InputLayer, keras.layers.Identity)
            ):
                _copy_state(layer, new.get_layer(layer.name))
        return
    pairs = list(zip(inner(old).variables, inner(new).variables, strict=True))
    if isinstance(old, Feedback) and isinstance(new, Feedback):
        if old.feedback and new.feedback:
            pairs += zip(old.feedback, new.feedback, strict=True)
        if old.steps is not None and new.steps is not None:
            pairs.append((old.steps, new.steps))
    for source, target in pairs:
        target.assign(source)
