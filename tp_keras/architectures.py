"""Networks from the rows of Table 3, the autoencoder of the appendix, and stock Keras models."""

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
      classes: Not used; every builder is told.
      dense: Units of each hidden layer.
      activation: The nonlinearity of the hidden layers.
      dtype: Keras dtype or dtype policy; None is Keras' default.

    Returns:
      A `Network`.
    """
    layers = [Dense(units, activation, dtype=dtype) for units in dense]
    layers.append(Dense(math.prod(input_shape), "linear", dtype=dtype))
    return Network(layers, input_shape)


def lenet(input_shape, classes, activation="tanh"):
    """Builds a LeNet-5 in the manner of LeCun et al. (1998) as a Keras model.

    Args:
      input_shape: Shape of one image, `(height, width, channels)`, each side at least 12.
      classes: Number of classes, the width of the softmax layer.
      activation: The nonlinearity of the hidden layers.

    Returns:
      A `keras.Sequential`.
    """
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(6, 5, padding="same", activation=activation),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(16, 5, activation=activation),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation=activation),
            keras.layers.Dense(84, activation=activation),
            keras.layers.Dense(classes, activation="softmax"),
        ],
        name="lenet",
    )


def vgg(input_shape, classes, filters=(32, 64, 128), dense=256):
    """Builds a small network in the manner of Simonyan & Zisserman (2015) as a Keras model.

    Args:
      input_shape: Shape of one image, `(height, width, channels)`, each side at least
        `2 ** len(filters)`.
      classes: Number of classes, the width of the softmax layer.
      filters: Channels of each stage of two 3x3 convolutions, then a pooling by 2.
      dense: Units of the fully connected layer.

    Returns:
      A `keras.Sequential`.
    """
    layers = [keras.Input(input_shape)]
    options = {"activation": "relu", "kernel_initializer": "he_normal"}
    for count in filters:
        layers += [keras.layers.Conv2D(count, 3, padding="same", **options) for _ in range(2)]
        layers.append(keras.layers.MaxPooling2D())
    layers += [keras.layers.Flatten(), keras.layers.Dense(dense, **options)]
    layers.append(keras.layers.Dense(classes, activation="softmax"))
    return keras.Sequential(layers, name="vgg")


def resnet20(input_shape, classes, momentum=0.9):
    """Builds the ResNet-20 of He et al. (2016), section 4.2, as a Keras model.

    Shortcuts between stages are the paper's option A: every second pixel, and zeros for the
    channels that are new; they have no weights.

    Args:
      input_shape: Shape of one image, `(height, width, channels)`.
      classes: Number of classes, the width of the softmax layer.
      momentum: Of the moving statistics of batch normalisation. Keras' .99 needs hundreds of steps
        before a test sees the network that was trained.

    Returns:
      A Functional `keras.Model`.
    """
    inputs = keras.Input(input_shape)
    x = keras.layers.ReLU()(_normalised(inputs, 16, 1, momentum))
    for filters in (16, 32, 64):
        for block in range(3):
            x = _residual(x, filters, 2 if filters > 16 and block == 0 else 1, momentum)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="resnet20")


def _residual(x, filters, strides, momentum):
    y = keras.layers.ReLU()(_normalised(x, filters, strides, momentum))
    y = _normalised(y, filters, 1, momentum)
    if strides > 1:
        new = filters - x.shape[-1]
        x = keras.layers.MaxPooling2D(1, strides)(x)  # every second pixel
        x = keras.ops.pad(x, [(0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)])
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def _normalised(x, filters, strides, momentum):
    convolution = keras.layers.Conv2D(
        filters, 3, strides, "same", use_bias=False, kernel_initializer="he_normal"
    )
    return keras.layers.BatchNormalization(momentum=momentum)(convolution(x))
