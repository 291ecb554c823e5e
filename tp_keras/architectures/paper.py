"""Networks from the rows of Table 3, and the autoencoder of the appendix."""

import math

import gin
import keras
import tensorflow as tf

from tp_keras.layers import Conv2D, Dense, LocallyConnected2D
from tp_keras.network import Network


@gin.register(module="tp_keras.architectures")
def build(
    input_shape,
    classes,
    local=(),
    dense=(),
    shared_weights=False,
    activation="tanh",
    orthogonal=False,
    dtype=None,
):
    """Builds a classifier: local layers, dense layers, softmax.

    Args:
      input_shape: Shape of one image, `(height, width, channels)`.
      classes: Number of classes, the width of the softmax layer.
      local: `(kernel_size, channels, stride)` of each locally connected layer.
      dense: Units of each fully connected layer.
      shared_weights: Whether the local layers are convolutions (the ConvNet) instead.
      activation: The nonlinearity of the hidden layers.
      orthogonal: Whether the weights begin orthogonal instead of Glorot's.
      dtype: Keras dtype or dtype policy, such as "mixed_bfloat16"; None is Keras' default.

    Returns:
      A `Network`.

    Raises:
      ValueError: If a row is malformed, a size not positive, or one too large for what it reads.
    """
    check_local(local, input_shape)
    local_type = Conv2D if shared_weights else LocallyConnected2D
    layers = [
        local_type(channels, kernel_size, stride, activation, dtype=dtype)
        for kernel_size, channels, stride in local
    ]
    layers += [Dense(units, activation, dtype=dtype) for units in dense]
    layers.append(Dense(classes, "softmax", dtype=dtype))
    network = Network(layers, input_shape)
    if orthogonal:
        for layer in network.f.values():
            layer.kernel.assign(orthogonal_kernel(layer))
    return network


def check_local(local, input_shape):
    """Raises ValueError where a row of `local` is no such row, or does not fit what it reads."""
    sides = input_shape[:2]
    for row in local:
        if len(row) != 3:
            raise ValueError(f"`local` holds (kernel_size, channels, stride), received {row}")
        if len(input_shape) != 3:
            raise ValueError(f"`local` reads images (height, width, channels), not {input_shape}")
        kernel_size, _, stride = row
        smallest = min(sides)
        if kernel_size > 2 * smallest + 1 or stride > smallest:  # weights that meet only zeros
            raise ValueError(
                f"build.local: of what reads {sides[0]}x{sides[1]}, kernel_size must be at most "
                f"{2 * smallest + 1} and stride at most {smallest}, received {row}"
            )
        sides = [math.ceil(side / max(stride, 1)) for side in sides]


def orthogonal_kernel(layer):
    """A random kernel whose rows or columns, the fewer, are orthonormal; of each position's own."""
    shape = tuple(layer.kernel.shape)
    matrices = (-1, shape[-1]) if len(shape) == 4 else shape  # a convolution's reads a patch
    normal = tf.reshape(keras.initializers.RandomNormal(stddev=1.0)(shape), matrices)
    wide = normal.shape[-2] < normal.shape[-1]
    q, r = tf.linalg.qr(tf.linalg.matrix_transpose(normal) if wide else normal)
    q *= tf.sign(tf.linalg.diag_part(r))[..., None, :]  # uniform among all, as Keras' Orthogonal
    return tf.reshape(tf.linalg.matrix_transpose(q) if wide else q, shape)


@gin.register(module="tp_keras.architectures")
def autoencoder(input_shape, classes, dense, activation="tanh", dtype=None):
    """Builds an autoencoder (appendix 5.5): dense layers, then a linear one as wide as the image.

    The paper does not name the nonlinearity of the output: it is linear here, so that the output
    can reach the pixels 0 and 1, which most pixels of MNIST are.

    Args:
      input_shape: Shape of one image.
      classes: Not used; every builder receives it.
      dense: Units of each hidden layer.
      activation: The nonlinearity of the hidden layers.
      dtype: Keras dtype or dtype policy; None is Keras' default.

    Returns:
      A `Network`.
    """
    layers = [Dense(units, activation, dtype=dtype) for units in dense]
    layers.append(Dense(math.prod(input_shape), "linear", dtype=dtype))
    return Network(layers, input_shape)
