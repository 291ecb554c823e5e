"""What can be a block of a network, and where a Keras model can be cut into blocks."""

import itertools
import math
from collections.abc import Collection

import keras

from tp_keras.layers.affine import Affine


def cut(model, at=None):
    """Returns the blocks of a Sequential or Functional model, which share its layers.

    Args:
      model: A built model of one input and one output.
      at: Names of the layers that end a block; None is wherever one tensor alone flows on and a
        layer with a matrix follows.

    Raises:
      ValueError: If the model is another, or something flows around the end of a block.
    """
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        way_out = "of a model of your own make blocks by hand: Network([f1, f2], in_shape)"
        if isinstance(model, keras.Sequential):
            way_out = "begin it with keras.Input(shape), or call model.build(input_shape)"
        raise ValueError(
            "`model` must be a built Sequential or Functional model, received "
            f"{type(model).__name__} {getattr(model, 'name', '')!r}; {way_out}"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"`model` must have one input and one output, received {len(model.inputs)} and "
            f"{len(model.outputs)}"
        )
    graph = keras.Model(model.inputs, model.outputs)  # a Sequential's graph is not its own
    necks = bottlenecks(graph)
    ends = (
        [x for x, before, after in necks if before and after] if at is None else _named(necks, at)
    )
    tensors = [graph.inputs[0], *ends, graph.outputs[0]]
    return [
        keras.Model(*tensors[l - 1 : l + 1], name=f"{model.name}_{l}")
        for l in range(1, len(tensors))
    ]


def bottlenecks(graph):
    """Returns `(tensor, weights since the last, weights next)` wherever one tensor alone flows on.

    Args:
      graph: A Functional model.
    """
    nodes = _in_order(graph)
    last_use = {id(x): i for i, node in enumerate(nodes) for x in node.input_tensors}
    found, has_matrix, opened = [], [], set()
    for i, node in enumerate(nodes):
        opened |= {id(x) for x in node.outputs}
        opened -= {x for x in opened if last_use.get(x, math.inf) <= i}
        has_matrix.append(any(len(w.shape) > 1 for w in getattr(node.operation, "weights", [])))
        if len(opened) == 1 and not node.is_input:
            found.append((node.outputs[0], i))
    result, start = [], 0
    for (x, i), (_, j) in itertools.pairwise(found):
        before, after = any(has_matrix[start : i + 1]), any(has_matrix[i + 1 : j + 1])
        result.append((x, before, after))
        start = i + 1 if before and after else start
    return result


def _in_order(graph):
    """The nodes of a Functional model, each after those it reads."""
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in graph._nodes_by_depth[depth]]


def names_of(argument, given):
    """Returns the names that an argument holds, one or several; raises ValueError for others."""
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, Collection) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"`{argument}` must be names of layers, received {given!r:.60}")
    return list(found)


def _named(necks, at):
    by_name = {x._keras_history.operation.name: (i, x) for i, (x, _, _) in enumerate(necks)}
    names = names_of("at", at)
    wrong = [name for name in names if name not in by_name]
    if wrong:
        raise ValueError(
            "`at` must name layers that all paths from input to output lead through, of "
            f"{', '.join(by_name)}; received {', '.join(map(str, wrong))}"
        )
    return [x for _, x in sorted((by_name[name] for name in names), key=lambda pair: pair[0])]


def built(l, layer, in_shape):
    """Builds block l where it is not built; returns the shape of one output."""
    if isinstance(layer, Affine):
        if not layer.built:  # a layer that was saved is built when it is loaded
            layer.build((None, *in_shape))
        return tuple(layer.compute_output_shape((None, *in_shape))[1:])
    batch = keras.KerasTensor((None, *in_shape), dtype=layer.compute_dtype)
    if len(getattr(layer, "inputs", None) or [batch]) != 1:
        raise ValueError(f"block {l} of `layers` must have one input: {layer.name} has several")
    output = layer.compute_output_spec(batch) if layer.built else layer(batch)
    if not isinstance(output, keras.KerasTensor):
        raise ValueError(f"block {l} of `layers` must have one output: {layer.name} has several")
    if None in output.shape[1:]:
        raise ValueError(
            f"block {l} of `layers` must have an output of known size: {layer.name} makes "
            f"{output.shape} of {batch.shape}"
        )
    return tuple(output.shape[1:])


def layers_of(layer):
    """Returns a layer or model and all layers within it."""
    return list(layer._flatten_layers())


def refuse_shared(blocks):
    """Raises ValueError where two blocks hold one layer with weights: they are saved apart."""
    owners = {}
    for l, block in enumerate(blocks, start=1):
        for layer in layers_of(block):
            if owners.setdefault(id(layer), l) != l and layer.weights:
                raise ValueError(
                    f"`layers` must not share a layer between blocks: {layer.name} is in blocks "
                    f"{owners[id(layer)]} and {l}; cut so that one block holds all its uses"
                )
