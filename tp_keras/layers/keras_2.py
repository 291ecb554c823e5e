"""Weights of Keras 2's locally connected layers, in the layout of ours."""

import numpy as np


def kernel_of_keras_2(layer, kernel):
    """Returns the kernel of a Keras 2 layer as a `LocallyConnected` layer keeps it.

    Keras 2 had three implementations. The first keeps `(positions, patch, filters)`, the second a
    matrix from every input to every output, the third that matrix' numbers where it is not zero.

    Args:
      layer: A built `LocallyConnected2D` or `LocallyConnected1D`.
      kernel: What the old layer kept.

    Raises:
      ValueError: If the kernel is not of a layer of this geometry.
    """
    patches, kernel = layer.patches, np.asarray(kernel)
    shape, first = (patches.positions, patches.size, layer.filters), _first(layer)
    if kernel.shape == shape:
        if first:  # a patch is channel, row, column there
            parts = (shape[0], patches.channels, *patches.kernel_size, layer.filters)
            kernel = np.moveaxis(kernel.reshape(parts), 1, 3).reshape(shape)
        return np.moveaxis(kernel, 1, 2)
    _refuse_other_padding(layer)
    inputs, outputs, inside = _numbered(layer)
    if kernel.ndim == 1 and kernel.size == inside.sum():
        order = np.lexsort((inputs[inside], outputs[inside]))
        ours = np.zeros(inside.shape, kernel.dtype)
        ours[inside] = kernel[np.argsort(order)]
    elif kernel.ndim > 1 and kernel.size == (1 + inputs.max()) * (1 + outputs.max()):
        matrix = kernel.reshape(1 + inputs.max(), 1 + outputs.max())
        ours = np.where(inside, matrix[inputs, outputs], 0)
    else:
        raise ValueError(
            f"layer {layer.name!r} has {layer.kernel.shape} weights; a kernel of {kernel.shape} is "
            "of no Keras 2 layer of its input, window, strides and padding"
        )
    return ours.reshape(layer.kernel.shape)


def _numbered(layer):
    """Input, output, and whether the input lies in the image, for each number of our kernel.

    Inputs and outputs are numbered as Keras 2 flattens them, in the layer's data format.
    """
    patches = layer.patches
    grid = np.indices((*patches.grid, layer.filters, *patches.kernel_size, patches.channels))
    row, column, filters, down, right, channel = grid.reshape(6, -1)
    (top, _), (left, _) = patches.padding
    pixel = [row * patches.strides[0] - top + down, column * patches.strides[1] - left + right]
    clipped = [np.clip(n, 0, side - 1) for n, side in zip(pixel, patches.sides, strict=True)]
    inside = np.equal(pixel, clipped).all(0)
    inputs, input_shape = [*clipped, channel], (*patches.sides, patches.channels)
    outputs, output_shape = [row, column, filters], (*patches.grid, layer.filters)
    if _first(layer):
        inputs, input_shape = [inputs[2], *inputs[:2]], (input_shape[2], *input_shape[:2])
        outputs, output_shape = [outputs[2], *outputs[:2]], (output_shape[2], *output_shape[:2])
    return (
        np.ravel_multi_index(inputs, input_shape),
        np.ravel_multi_index(outputs, output_shape),
        inside,
    )


def _first(layer):
    return layer.data_format == "channels_first"


def _refuse_other_padding(layer):
    """Keras 2 centred its windows on every stride-th pixel, TensorFlow's "same" does not always."""
    ours = [before for before, _ in layer.patches.padding]
    theirs = [size // 2 for size in layer.patches.kernel_size]
    if layer.padding == "same" and ours != theirs:
        raise ValueError(
            f"layer {layer.name!r}: under 'same' padding Keras 2 begins {theirs} pixels before the "
            f"image, this layer {ours}: such weights cannot be brought over; pad the image "
            "yourself and use 'valid'"
        )
