"""Direct feedback alignment (DFA) on a Keras model: where the output's error lands, and how."""

import keras

from tp_keras.blocks import names_of
from tp_keras.conversion.copies import as_it_is, check_class, rebuilt, without_feedback
from tp_keras.conversion.graphs import AFFINE, flat, has_matrix, is_graph, passing
from tp_keras.layers import DirectFeedback, Landing
from tp_keras.layers.direct_feedback import ACTIVATIONS


def is_direct(model):
    """Whether `direct` made this model."""
    return any(isinstance(layer, DirectFeedback) for layer in model.layers)


def direct(model, rule, exclude, kept, at):
    """Returns the copy that learns by DFA; see `tp_keras.convert`.

    Args:
      model: A built Sequential or Functional model of one output.
      rule: A `feedback_rules.DFA`.
      exclude: Names of layers and nested models inside which gradients descend.
      kept: Ids of the layers that these are.
      at: Names of layers on whose outputs the error lands, or None.

    Raises:
      ValueError: If there are several outputs, a nested model, or a name of no layer.
    """
    if len(model.outputs) > 1:
        raise ValueError(
            f"DFA sends the error of one output, received a model of {len(model.outputs)}: "
            f"{', '.join(model.output_names)}; convert one model an output, or take another rule"
        )
    if isinstance(model, keras.Sequential):
        functional = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    else:
        functional = keras.Model(model.input, model.output, name=model.name)
        check_class(model, functional)

    def clone(layer):
        return as_it_is(layer) if id(layer) in kept else without_feedback(layer)

    top = functional.outputs[0]._keras_history.operation.name
    ends = _named_ends(functional, at, top) if at is not None else _ends(functional, exclude)
    result = rebuilt(functional, clone, _Wires(top, ends, rule), recursive=False)
    if model.compiled:
        result.compile_from_config(model.get_compile_config())
    return result


def undirected(model, clone):
    """Returns the copy without the layers of DFA.

    Args:
      model: What `direct` returned.
      clone: Function that makes a layer's copy.
    """
    outputs = set()

    def remembered(layer):
        new = clone(layer)
        if isinstance(layer, DirectFeedback):
            outputs.add(id(new))
        return new

    def call(layer, *args, **kwargs):
        if isinstance(layer, Landing):
            return args[0]
        if id(layer) not in outputs:
            return layer(*args, **kwargs)
        x = args[0][0]
        return x if isinstance(layer, keras.layers.Identity) else layer(x)

    return rebuilt(model, remembered, call)


class _Wires:
    """Calls a model's operations one after the other, so that the output's error lands.

    Args:
      top: Name of the operation that makes the output.
      ends: Names of those on whose outputs its error lands.
      rule: A `feedback_rules.DFA`.
    """

    def __init__(self, top, ends, rule):
        self.top, self.ends, self.options = top, ends, rule.get_config()
        self.h, self.landings, self.finished = [], {}, False

    def __call__(self, operation, *args, **kwargs):
        if operation.name == self.top:
            return self.output(operation, *args, **kwargs)
        x = operation(*args, **kwargs)
        if operation.name not in self.ends:
            return x
        self.h.append(x)
        name = f"{operation.name}_landing"
        return self.landings.setdefault(name, Landing(name=name))(x)

    def output(self, operation, *args, **kwargs):
        if self.finished:
            raise ValueError(
                f"layer {self.top!r} makes the output and is used elsewhere: DFA cannot"
            )
        self.finished = True
        if isinstance(operation, (*AFFINE, *ACTIVATIONS)):
            return DirectFeedback(operation, **self.options)([args[0], *self.h])
        # Beside layers there are functions, such as a softmax; the error is that of what it reads
        if not isinstance(operation, keras.layers.Layer) and len(args) == 1:
            return operation(self.direct(args[0]), **kwargs)
        return self.direct(operation(*args, **kwargs))

    def direct(self, x):
        layer = DirectFeedback(keras.layers.Identity(), **self.options, name="output_error")
        return layer([x, *self.h])


def _named_ends(model, at, top):
    at = set(names_of("at", at))
    inputs = {x.name for x in model.layers if isinstance(x, keras.layers.InputLayer)}
    unknown = sorted(at - ({x.name for x in model.operations} - inputs - {top}))
    if unknown:
        raise ValueError(f"`at` must name layers below the output's, received {unknown}")
    return at


def _ends(model, exclude):
    """Names of the operations whose outputs a layer with a matrix reads."""
    for layer in model.layers:
        if is_graph(layer) and layer.name not in exclude and any(map(has_matrix, flat(layer))):
            raise ValueError(
                f"model {layer.name!r} is nested, and DFA's error cannot land inside: name it in "
                "`exclude` to let gradients descend within it, or say in `at` where to land"
            )
    operations, found = {x.name for x in model.operations}, set()
    for layer in passing(model, exclude):
        for node in layer._inbound_nodes:
            found |= {parent.operation.name for parent in node.parent_nodes}
    return found & operations
