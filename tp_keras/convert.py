"""Any Sequential or Functional Keras model, learning by a rule of the feedback-alignment family."""

import keras

from tp_keras import feedback_rules
from tp_keras.graphs import AFFINE, check_model, flat, has_matrix, inner, is_graph, passing
from tp_keras.layers import DirectFeedback, Feedback, Landing
from tp_keras.layers.direct_feedback import ACTIVATIONS


def convert(model, rule, exclude=(), at=None):
    """Returns a copy of a Keras model that learns by `rule` in its own `fit`.

        model = tp_keras.convert(keras.applications.ResNet50(), "kolen_pollack")
        model.compile("adamw", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y)

    Names, weights, `trainable` and what was said to `compile` are the model's; the optimizer starts
    anew. Layers that pass an error on, frozen ones included, become `layers.Feedback` of the same
    name; below the lowest layer with weights nothing learns, and it stays as it is. Feedback
    weights of a model that was converted before are kept where both rules have some.

    Under "dfa" the output's error lands on the input of every such layer, or on the outputs of the
    layers named in `at`, and gradients stay between one landing place and the next. The copy of a
    `Sequential` is Functional then.

    Args:
      model: A built Sequential or Functional model; models may be nested in it.
      rule: "bp" (the control), "fa", "sign_symmetry", "kolen_pollack", "weight_mirror", "dfa"; or
        an object of `tp_keras.feedback_rules`, or one with a method `kernel(W, B)`.
      exclude: Names of layers, or of nested models, that keep their own gradient.
      at: Names of layers on whose outputs DFA's error lands.

    Raises:
      ValueError: If the rule cannot serve the model; the message names the layer and the way out.
    """
    rule = feedback_rules.get(rule)
    exclude = {exclude} if isinstance(exclude, str) else set(exclude)
    check_model(model)
    unknown = sorted(exclude - {layer.name for layer in flat(model)})
    if unknown:
        raise ValueError(f"`exclude` must name layers of the model, received {unknown}")
    if isinstance(rule, feedback_rules.DFA):
        return _direct(_undirected(model), rule, exclude, at)
    if at is not None:
        raise ValueError(f'`at` says where "dfa" lands and has no meaning for {rule!r}')
    model = _undirected(model)
    numbers = {id(layer): number for number, layer in enumerate(passing(model, exclude))}
    kept = _excluded(model, exclude)

    def clone(layer):
        if id(layer) not in numbers:
            return _copy(layer) if id(layer) in kept else _plain(layer)
        number = numbers[id(layer)]
        own = rule.numbered(number) if hasattr(rule, "numbered") else rule
        return Feedback(_plain(layer), own)

    return _rebuilt(model, clone)


def plain(model):
    """Returns a copy of a converted model in stock layers, with what they have learned.

    Raises:
      ValueError: If `model` is not a built Sequential or Functional model.
    """
    check_model(model)
    direct = any(isinstance(layer, DirectFeedback) for layer in model.layers)
    if not direct:
        return _rebuilt(model, _plain)
    outputs = set()

    def clone(layer):
        new = _plain(layer)
        if isinstance(layer, DirectFeedback):
            outputs.add(id(new))
        return new

    def call(layer, *args, **kwargs):
        if isinstance(layer, Landing):
            return args[0]
        if id(layer) in outputs:
            x = args[0][0]
            return x if isinstance(layer, keras.layers.Identity) else layer(x)
        return layer(*args, **kwargs)

    return _rebuilt(model, clone, call)


def _excluded(model, exclude):
    """Ids of the layers that are copied as they are."""
    found = set()
    for layer in flat(model):
        if layer.name in exclude:
            found |= {id(layer), *map(id, flat(layer) if is_graph(layer) else ())}
    return found


def _undirected(model):
    """The model without DFA's layers, from which any rule can start."""
    return plain(model) if any(isinstance(x, DirectFeedback) for x in model.layers) else model


def _direct(model, rule, exclude, at):
    """The copy that learns by DFA."""
    if len(model.outputs) > 1:
        raise ValueError(
            f"DFA sends the error of one output, received a model of {len(model.outputs)}: "
            f"{', '.join(model.output_names)}; convert one model an output, or take another rule"
        )
    functional = keras.Model(model.inputs, model.outputs, name=model.name)
    if not isinstance(model, keras.Sequential):
        _check_class(model, functional)
    top = functional.outputs[0]._keras_history.operation
    ends, landed, landings, finished = _ends(functional, exclude, at, top), [], {}, []
    options = {"feedback_storage": rule.feedback_storage, "seed": rule.seed}

    def direct(x):
        return DirectFeedback(keras.layers.Identity(), **options, name="output_error")([x, *landed])

    def call(operation, *args, **kwargs):
        if operation.name == top.name:
            if finished:
                raise ValueError(f"DFA: layer {top.name!r} makes the output and is used elsewhere")
            finished.append(top)
            if isinstance(operation, (*AFFINE, *ACTIVATIONS)):
                return DirectFeedback(operation, **options)([args[0], *landed])
            if (
                not isinstance(operation, keras.layers.Layer) and len(args) == 1
            ):  # such as a softmax
                return operation(direct(args[0]), **kwargs)
            return direct(operation(*args, **kwargs))
        x = operation(*args, **kwargs)
        if operation.name not in ends:
            return x
        landed.append(x)
        name = f"{operation.name}_landing"
        return landings.setdefault(name, Landing(name=name))(x)

    kept = _excluded(functional, exclude)

    def clone(layer):
        return _copy(layer) if id(layer) in kept else _plain(layer)

    result = _rebuilt(functional, clone, call, recursive=False)
    if model.compiled:
        result.compile_from_config(model.get_compile_config())
    return result


def _ends(model, exclude, at, top):
    """Names of the operations on whose outputs the error lands."""
    operations = {operation.name: operation for operation in model.operations}
    if at is not None:
        at = {at} if isinstance(at, str) else set(at)
        inner = {n for n, o in operations.items() if not isinstance(o, keras.layers.InputLayer)}
        unknown = sorted(at - inner | at & {top.name})
        if unknown:
            raise ValueError(f"`at` must name layers below the output's, received {unknown}")
        return at
    for layer in model.layers:
        if is_graph(layer) and layer.name not in exclude and any(map(has_matrix, flat(layer))):
            raise ValueError(
                f"model {layer.name!r} is nested, and DFA's error cannot land inside: name it in "
                "`exclude` to let gradients descend within it, or say in `at` where to land"
            )
    found = set()
    for layer in passing(model, exclude):
        for node in layer._inbound_nodes:
            found |= {parent.operation.name for parent in node.parent_nodes}
    return {name for name in found if name in operations}


def _rebuilt(model, clone, call=None, recursive=True):
    """`keras.models.clone_model` that keeps weights, seeds, `trainable` and settings of compile."""

    def clone_function(operation):  # an operation such as x + y holds nothing
        return clone(operation) if isinstance(operation, keras.layers.Layer) else operation

    inputs = None
    if not isinstance(model, keras.Sequential):  # Keras would name them anew
        inputs = keras.tree.map_structure(_input, model.input)
    result = keras.models.clone_model(model, inputs, clone_function, call, recursive)
    _check_class(model, result)
    _copy_state(model, result)
    if model.compiled:  # again, for what is frozen by now needs no optimizer
        result.compile_from_config(model.get_compile_config())
    return result


def _input(x):
    name = x._keras_history.operation.name
    return keras.Input(batch_shape=x.shape, dtype=x.dtype, name=name)


def _check_class(model, copy):
    if type(copy) is not type(model):
        raise ValueError(
            f"`model` must be Sequential or Functional, and Keras copies {type(model).__name__} "
            "without its own methods: convert keras.Model(model.inputs, model.outputs)"
        )


def _copy_state(old, new):
    """Copies weights, seeds and `trainable`; feedback weights where both layers have some."""
    new.trainable = old.trainable
    if is_graph(old):
        for layer in old.layers:
            if not isinstance(layer, (Landing, keras.layers.InputLayer)):
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


def _plain(layer):
    """The layer anew, without its weights and without feedback."""
    return layer.plain() if isinstance(layer, (Feedback, DirectFeedback)) else _copy(layer)


def _copy(layer):
    if isinstance(layer, keras.layers.Lambda):  # its function has no way through a config
        return layer
    return type(layer).from_config(layer.get_config())
