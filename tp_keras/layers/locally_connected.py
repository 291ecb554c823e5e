"""The locally connected layer: a convolution whose weights are not shared."""

import keras
import tensorflow as tf

from tp_keras.layers.conv import Conv2D
from tp_keras.layers.patches import Patches


@keras.saving.register_keras_serializable(package="tp_keras")
class LocallyConnected2D(Conv2D):
    """Convolution with a kernel of its own at every output position, SAME padding.

    Input `(batch, height, width, channels)`, output `(batch, ceil(height / strides),
    ceil(width / strides), filters)`; kernel `(positions, filters, kernel_size^2 * channels)`,
    the patch in the order row, column, channel; bias of the output's shape.

    The kernel is the left operand of one matrix product per position, with the batch innermost
    on the right: this layout decides the speed (`benchmarks/locally_connected.py`).
    """

    def wire(self, in_shape):
        super().wire(in_shape)
        self.patches = Patches(in_shape, self.kernel_size, self.strides)
        self.kernel_shape = (self.patches.positions, self.filters, self.patches.size)
        self.bias_shape = self.out_shape
        # Each input reaches k / strides outputs per axis, the fan of section 5.4's transpose
        self.fans = (self.patches.size, self.kernel_size**2 * self.filters / self.strides**2)

    def linear(self, h, kernel):
        a = tf.matmul(kernel, self.patches.extract(h))  # (positions, filters, batch)
        return tf.reshape(tf.transpose(a, (2, 0, 1)), (-1, *self.out_shape))

    def backward_kernel(self, kernel):
        return tf.transpose(kernel, (0, 2, 1))

    @property
    def backward_kernel_shape(self):
        positions, filters, patch = self.kernel_shape
        return (positions, patch, filters)

    def backward_linear(self, y, kernel):
        y = tf.reshape(y, (-1, self.patches.positions, self.filters))
        return self.patches.fold(tf.matmul(kernel, tf.transpose(y, (1, 2, 0))))
