"""Locally connected layers: convolutions whose weights are not shared."""

import math

import keras
import numpy as np
import tensorflow as tf

from tp_keras.layers.conv import DATA_FORMATS, Conv2D
from tp_keras.layers.keras_2 import kernel_of_keras_2
from tp_keras.layers.patches import Patches
from tp_keras.scalars import whole


@keras.saving.register_keras_serializable(package="tp_keras")
class LocallyConnected2D(Conv2D):
    """Convolution with a kernel of its own at every output position.

    Input `(batch, height, width, channels)`, output `(batch, rows, columns, filters)` as that of
    `Conv2D`; kernel `(positions, filters, window * channels)`, the patch in the order row, column,
    channel; bias of the output's shape. "same" padding is zeros, an odd row or column at the end.

    The kernel is the left operand of one matrix product per position, with the batch innermost
    on the right: this layout decides the speed (`benchmarks/locally_connected.py`).

    Args:
      filters: Number of output channels, positive.
      kernel_size: Height and width of the window in pixels, positive; an integer is both.
      strides: Step between neighbouring outputs in pixels, positive; an integer is both.
      activation: The nonlinearity sigma.
      padding: "same" or "valid". Keras 2's layer had "valid" by default, and no other in its first
        implementation.
      data_format: "channels_last" or "channels_first"; None is Keras' image data format.
      **options: `use_bias`, `kernel_initializer`, `bias_initializer`, `kernel_regularizer`,
        `bias_regularizer`, `activity_regularizer`, `kernel_constraint`, `bias_constraint`, as
        Keras' layers take them. Initializers scale with the window's inputs and outputs.

    Example:
      layer = tp_keras.layers.LocallyConnected2D(32, 3, strides=2, activation="relu")
      model = keras.Sequential([keras.Input((28, 28, 1)), layer, keras.layers.Flatten()])
    """

    formats = DATA_FORMATS

    def wire(self, in_shape):
        super().wire(in_shape)
        channels_last = self.channels_last(in_shape)
        self.patches = Patches(channels_last, *self.window, self.padding)
        self.kernel_shape = (self.patches.positions, self.filters, self.patches.size)
        self.bias_shape = self.out_shape
        # Each input reaches k / strides outputs per axis, the fan of section 5.4's transpose
        reached = math.prod(self.window[0]) * self.filters / math.prod(self.window[1])
        self.fans = (self.patches.size, reached)

    def linear(self, h, kernel):
        if self.data_format == "channels_first":
            h = tf.transpose(h, (0, 2, 3, 1))
        a = tf.matmul(kernel, self.patches.extract(h))  # (positions, filters, batch)
        a = tf.transpose(a, (2, 0, 1) if self.data_format == "channels_last" else (2, 1, 0))
        return tf.reshape(a, (-1, *self.out_shape))

    def backward_kernel(self, kernel):
        return tf.transpose(kernel, (0, 2, 1))

    @property
    def backward_kernel_shape(self):
        positions, filters, patch = self.kernel_shape
        return (positions, patch, filters)

    def backward_linear(self, y, kernel):
        if self.data_format == "channels_last":
            y = tf.reshape(y, (-1, self.patches.positions, self.filters))
            y = tf.transpose(y, (1, 2, 0))
        else:
            y = tf.reshape(y, (-1, self.filters, self.patches.positions))
            y = tf.transpose(y, (2, 1, 0))
        h = self.patches.fold(tf.matmul(kernel, y))
        return h if self.data_format == "channels_last" else tf.transpose(h, (0, 3, 1, 2))

    def set_keras_2_weights(self, weights):
        """Takes the weights of a layer of Keras 2 of the same geometry.

        Args:
          weights: What `get_weights()` of the old layer returned, of any of its three
            implementations: its kernel, and its bias where it has one.

        Raises:
          ValueError: If they are not of such a layer, or this one is not built.

        Example:
          new = LocallyConnected2D(8, 3, padding="valid")
          new.build((None, 28, 28, 1))
          new.set_keras_2_weights(old.get_weights())
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} must be built before it takes weights")
        kernel, *bias = weights
        self.kernel.assign(kernel_of_keras_2(self, kernel))
        if len(bias) != self.use_bias:
            raise ValueError(
                f"layer {self.name!r} has use_bias={self.use_bias}, received {len(weights)} weights"
            )
        for value in bias:  # under "channels_first" Keras 2 reads it in another order than it says
            self.bias.assign(np.reshape(value, self.bias.shape))


@keras.saving.register_keras_serializable(package="tp_keras")
class LocallyConnected1D(LocallyConnected2D):
    """The same along one axis, of sequences.

    Input `(batch, steps, channels)`, output `(batch, rows, filters)`; kernel `(positions, filters,
    kernel_size * channels)`; bias of the output's shape.

    Args:
      filters, activation, padding, data_format, **options: As `LocallyConnected2D` takes them.
      kernel_size: Length of the window, positive.
      strides: Step between neighbouring outputs, positive.
    """

    def sizes(self, value, argument):
        values = tuple(value) if isinstance(value, tuple | list) else (value,)
        number = values[0] if len(values) == 1 else value
        return (whole(f"`{argument}`", number, 1),)

    @property
    def window(self):
        return (*self.kernel_size, 1), (*self.strides, 1)

    def wire(self, in_shape):
        if len(in_shape) != 2:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} reads (steps, channels), received "
                f"{tuple(in_shape)}"
            )
        steps, channels = self.channels_last(in_shape)
        self.image_shape = self.own_format((steps, 1, channels))  # of a single column
        super().wire(self.image_shape)
        self.in_shape = tuple(in_shape)
        self.out_shape = self.bias_shape = self.own_format((self.grid[0], self.filters))

    def linear(self, h, kernel):
        return super().linear(tf.reshape(h, (-1, *self.image_shape)), kernel)

    def backward_linear(self, y, kernel):
        return tf.reshape(super().backward_linear(y, kernel), (-1, *self.in_shape))
