"""Small stock Keras models of the kinds that users have, and helpers of the tests that use them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tp_keras import architectures
from tp_keras.conversion import graphs
from tp_keras.layers import Feedback

SHAPE, CLASSES = (12, 14, 2), 5


def lenet():
    return architectures.lenet(SHAPE, CLASSES)


def tiny():
    """The smallest with two layers of a kind, for tests that trace it."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(3, 3, 2, activation="relu"),
            layers.Conv2D(4, 3, 2, activation="tanh"),
            layers.Flatten(),
            layers.Dense(6, activation="tanh"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def residual(dropout=0.0):
    """Batch normalisation, a shortcut with a convolution and one without.

    The shortcut's windows are not single pixels: `tp_keras.layers.onednn` has the reason.
    """
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(3, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters, strides in ((3, 1), (4, 2)):
        y = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(filters, 2, strides, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Dropout(dropout, seed=4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="top")(x))


def varied():
    """Every other geometry; shared, nested, concatenated, regularised layers; operations."""
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, dilation_rate=2, activation="relu", name="dilated")(inputs)
    x = layers.DepthwiseConv2D(
        3, 2, padding="same", depth_multiplier=2, activation="tanh", name="depthwise"
    )(x)
    x = layers.LeakyReLU()(layers.LayerNormalization()(x))
    shared = layers.Conv2D(8, 3, padding="same", activation="tanh", name="shared")
    x = layers.Concatenate()([shared(x), shared(shared(x)), layers.AveragePooling2D(1)(x)])
    x = layers.SeparableConv2D(
        6, 3, depth_multiplier=2, activation="tanh", activity_regularizer="l2", name="separable"
    )(x)
    x = layers.Conv2D(4, 2, groups=2, kernel_constraint="max_norm", name="grouped")(x)
    x = layers.Conv2DTranspose(3, 3, 2, activation="elu", name="transposed")(x) * 0.5
    x = layers.Dropout(0.3, seed=3)(layers.Reshape((-1, 3))(x))
    x = layers.Conv1D(4, 5, 3, padding="causal", activation="relu", name="causal")(x)
    x = layers.EinsumDense(
        "abc,cd->abd",
        output_shape=(x.shape[1], 6),
        bias_axes="bd",
        activation="gelu",
        name="einsum",
    )(x)
    x = layers.Lambda(lambda z: z + 0.1)(x)
    x = layers.Flatten()(layers.PReLU()(x))
    nested = keras.Sequential(
        [keras.Input((x.shape[-1],)), layers.Dense(7, name="inner"), layers.PReLU()], name="nested"
    )
    regularizers = {"kernel_regularizer": "l2", "activity_regularizer": "l1"}
    x = layers.Dense(6, activation="tanh", name="regularised", **regularizers)(nested(x))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(CLASSES, name="logits")(x)))


def mobilenet():
    return keras.applications.MobileNetV2((32, 32, 3), weights=None, classes=CLASSES, alpha=0.35)


def resnet50():
    return keras.applications.ResNet50(
        weights=None, input_shape=(32, 32, 3), classes=CLASSES, classifier_activation="softmax"
    )


SMALL = {"lenet": lenet, "residual": residual, "varied": varied}


def compiled(model, optimizer=None, **options):
    # A few small steps: tracing would cost more
    options = {"loss": "sparse_categorical_crossentropy", "run_eagerly": True, **options}
    model.compile(optimizer or keras.optimizers.SGD(0.1), **options)
    return model


def batch(size=8, shape=SHAPE, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(size, *shape)).astype("float32"), random.integers(0, CLASSES, size)


def all_layers(model):
    return list(graphs.flat(model))


def feedbacks(model):
    return [layer for layer in all_layers(model) if isinstance(layer, Feedback)]


def gradients(model, x, y):
    """The gradient of every weight that a step of `fit` would take, by path, in their order."""
    x, y = tf.constant(x), tf.constant(y)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True), training=True)
    found = tape.gradient(loss, [w.value for w in model.trainable_weights])
    return dict(zip([w.path for w in model.trainable_weights], found, strict=True))


def assert_same(expected, found, **tolerance):
    assert len(expected) == len(found)
    for (path, u), v in zip(expected.items(), found.values(), strict=True):
        np.testing.assert_allclose(u, v, err_msg=path, **tolerance)
