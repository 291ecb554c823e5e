"""Any Sequential or Functional Keras model, learning by a rule of the feedback-alignment family."""

from tp_keras import feedback_rules
from tp_keras.blocks import names_of
from tp_keras.conversion.copies import as_it_is, rebuilt, without_feedback
from tp_keras.conversion.direct import direct, is_direct, undirected
from tp_keras.conversion.graphs import check_model, flat, inner, is_graph, passing
from tp_keras.layers import Feedback
from tp_keras.layers.onednn import refuse_damaging
from tp_keras.layers.stock import refuse_channels_first


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
    is_dfa = isinstance(rule, feedback_rules.DFA)
    if at is not None and not is_dfa:
        raise ValueError(f'`at` says where "dfa" lands and has no meaning for {rule!r}')
    check_model(model)
    refuse_damaging(map(inner, flat(model)))
    if is_direct(model):
        model = plain(model)
    exclude = set(names_of("exclude", exclude))
    kept = _excluded(model, exclude)
    for layer in flat(model):
        if id(layer) not in kept:
            refuse_channels_first(layer, ", or name the layer in `exclude`")
    if is_dfa:
        return direct(model, rule, exclude, kept, at)
    numbers = {id(layer): number for number, layer in enumerate(passing(model, exclude))}

    def clone(layer):
        if id(layer) not in numbers:
            return as_it_is(layer) if id(layer) in kept else without_feedback(layer)
        number = numbers[id(layer)]
        own = rule.numbered(number) if hasattr(rule, "numbered") else rule
        return Feedback(without_feedback(layer), own)

    return rebuilt(model, clone)


def plain(model):
    """Returns a copy of a converted model in stock layers, with what they have learned.

    Raises:
      ValueError: If `model` is not a built Sequential or Functional model.
    """
    check_model(model)
    if is_direct(model):
        return undirected(model, without_feedback)
    return rebuilt(model, without_feedback)


def _excluded(model, exclude):
    """Ids of the layers of these names, and of what is nested in them."""
    unknown = sorted(exclude - {layer.name for layer in flat(model)})
    if unknown:
        raise ValueError(f"`exclude` must name layers of the model, received {unknown}")
    found = set()
    for layer in flat(model):
        if layer.name in exclude:
            found |= {id(layer), *map(id, flat(layer) if is_graph(layer) else ())}
    return found
