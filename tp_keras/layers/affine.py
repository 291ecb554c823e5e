"""The base class of all layers: h[l] = sigma(A h[l-1] + b)."""

import math

import keras
import tensorflow as tf


class Affine(keras.layers.Layer):
    """An affine map followed by an elementwise nonlinearity.

    A subclass states its geometry (`wire`) and its linear part (`linear`). The adjoint, which
    carries errors and targets the other way, is read off the gradient of the linear part, as in
    Bartunov et al. (2018), section 5.4, so that a layer and its inverse cannot disagree.

    Under a mixed-precision policy the products are taken in the compute dtype, everything else
    (weights, biases, activations, targets) stays in the variable dtype.

    Args:
      activation: The nonlinearity sigma, anything that `keras.activations.get` takes.
    """

    def __init__(self, activation=None, *, trainable=True, dtype=None, name=None):
        super().__init__(trainable=trainable, dtype=dtype, name=name, autocast=False)
        self.activation = keras.activations.get(activation)

    def wire(self, in_shape):
        """Sets all shapes for inputs `(batch, *in_shape)`, and creates no weight.

        Sets `in_shape`, `out_shape`, `kernel_shape`, `bias_shape` and `fans` (in, out).
        """
        raise NotImplementedError

    def linear(self, h, kernel):
        """Returns A h, `(batch, *out_shape)`; linear in `h` and in `kernel`."""
        raise NotImplementedError

    def build(self, input_shape):
        self.wire(tuple(input_shape[1:]))
        # Keras would round a weight to the compute dtype wherever a mixed policy reads it
        self.kernel = self.add_weight(
            shape=self.kernel_shape, initializer=glorot(*self.fans), autocast=False, name="kernel"
        )
        self.bias = self.add_weight(
            shape=self.bias_shape, initializer="zeros", autocast=False, name="bias"
        )

    def preactivation(self, h):
        """Returns a = A h + b, `(batch, *out_shape)`."""
        product = self.linear(tf.cast(h, self.compute_dtype), self.kernel_for_products())
        return tf.cast(product, self.variable_dtype) + self.bias

    def call(self, h):
        return self.activation(self.preactivation(h))

    def adjoint(self, delta, kernel=None):
        """Returns A^T delta, `(batch, *in_shape)`, for `delta` of `(batch, *out_shape)`.

        Args:
          delta: Errors of the pre-activations.
          kernel: Weights to take for the layer's own, laid out as those.
        """
        kernel = self.kernel if kernel is None else kernel
        delta, kernel = (tf.cast(x, self.compute_dtype) for x in (delta, kernel))
        return tf.cast(self.transposed_linear(delta, kernel), self.variable_dtype)

    def transposed_linear(self, y, kernel):
        """Returns A^T y for a kernel laid out as this layer's own."""
        h = tf.zeros((tf.shape(y)[0], *self.in_shape), y.dtype)
        with tf.GradientTape() as tape:
            tape.watch(h)
            a = self.linear(h, kernel)
        return tape.gradient(a, h, output_gradients=y)

    # A backward layer may prefer to keep its kernel in another layout than the forward layer.

    def backward_kernel(self, kernel):
        """Rearranges a forward kernel as the paired `Transpose` stores it."""
        return kernel

    def backward_linear(self, y, kernel):
        """Returns A^T y for a kernel laid out as the paired `Transpose` stores it."""
        return self.transposed_linear(y, kernel)

    @property
    def backward_kernel_shape(self):
        return self.kernel_shape

    def kernel_for_products(self):
        return tf.cast(self.kernel, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        if not hasattr(self, "out_shape"):
            self.wire(tuple(input_shape[1:]))
        return (input_shape[0], *self.out_shape)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "activation": activation}


def glorot(fan_in, fan_out):
    """Glorot's uniform initialiser with explicit fans.

    Keras infers fans from the kernel's shape, which is wrong where weights are not shared.
    """
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit)
