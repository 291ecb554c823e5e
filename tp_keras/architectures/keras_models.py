"""Keras models from the literature: LeNet-5, a small VGG, ResNet-20."""

import gin
import keras


@gin.register(module="tp_keras.keras_models")
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


@gin.register(module="tp_keras.keras_models")
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


@gin.register(module="tp_keras.keras_models")
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
