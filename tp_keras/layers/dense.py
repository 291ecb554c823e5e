"""The fully connected layer."""

import math

import keras
import tensorflow as tf

from tp_keras.layers.affine import Affine
from tp_keras.scalars import whole

HALF_PAGE = 512  # floats


@keras.saving.register_keras_serializable(package="tp_keras")
class Dense(Affine):
    """Fully connected layer on the flattened input.

    Input `(batch, ...)` of any rank, output `(batch, units)`; kernel `(inputs, units)`.

    Args:
      units: Number of outputs, positive.
      activation: The nonlinearity sigma.
      **options: What every `Affine` takes: `use_bias`, initializers, regularizers, constraints.

    Raises:
      ValueError: If `units` is not a positive integer.
    """

    def __init__(self, units, activation=None, **options):
        super().__init__(activation, **options)
        self.units = whole("`units`", units, 1)

    def wire(self, in_shape):
        inputs = math.prod(in_shape)
        self.in_shape, self.out_shape = tuple(in_shape), (self.units,)
        self.kernel_shape, self.bias_shape = (inputs, self.units), (self.units,)
        self.fans = (inputs, self.units)

    def linear(self, h, kernel):
        return tf.matmul(tf.reshape(h, (-1, self.kernel_shape[0])), kernel)

    # The paired `Transpose` reads its kernel row by row where it is stored transposed. Not
    # where its rows would lie a multiple of 2 KiB apart: these fall on the same lines of a cache

    @property
    def backward_is_transposed(self):
        return self.kernel_shape[0] % HALF_PAGE > 0

    def backward_kernel(self, kernel):
        return tf.transpose(kernel) if self.backward_is_transposed else tf.convert_to_tensor(kernel)

    @property
    def backward_kernel_shape(self):
        return self.kernel_shape[::-1] if self.backward_is_transposed else self.kernel_shape

    def backward_linear(self, y, kernel):
        # An inverse may be fully connected where the layer below it has a spatial output
        y = tf.reshape(y, (-1, self.units))
        product = tf.matmul(y, kernel, transpose_b=not self.backward_is_transposed)
        return tf.reshape(product, (-1, *self.in_shape))

    def get_config(self):
        return {**super().get_config(), "units": self.units}
