"""The layer that the paper's networks are stacks of: h[l] = sigma(A h[l-1] + b)."""

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
      use_bias: Whether there is a bias b.
      kernel_initializer: Anything that `keras.initializers.get` takes; None is Glorot's uniform.
        One that scales with the numbers of inputs and outputs, as Glorot's and He's do, takes the
        layer's own (`fans`).
      bias_initializer: Anything that `keras.initializers.get` takes.
      kernel_regularizer, bias_regularizer, activity_regularizer: Anything that
        `keras.regularizers.get` takes.
      kernel_constraint, bias_constraint: Anything that `keras.constraints.get` takes.
    """

    def __init__(
        self,
        activation=None,
        *,
        use_bias=True,
        kernel_initializer=None,
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        trainable=True,
        dtype=None,
        name=None,
    ):
        super().__init__(
            activity_regularizer=activity_regularizer,
            trainable=trainable,
            dtype=dtype,
            name=name,
            autocast=False,
        )
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def wire(self, in_shape):
        """Settles the geometry for inputs `(batch, *in_shape)`, and creates no weight.

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
            shape=self.kernel_shape,
            initializer=self._scaled_initializer(),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            autocast=False,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self.bias_shape,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                autocast=False,
                name="bias",
            )

    def _scaled_initializer(self):
        if self.kernel_initializer is None:
            return glorot(*self.fans)
        return with_fans(self.kernel_initializer, self.fans)

    def preactivation(self, h):
        """Returns a = A h + b, `(batch, *out_shape)`."""
        product = self.linear(tf.cast(h, self.compute_dtype), self.kernel_for_products())
        product = tf.cast(product, self.variable_dtype)
        return product + self.bias if self.use_bias else product

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
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }


def glorot(fan_in, fan_out):
    """Glorot's uniform initialiser with explicit fans.

    Keras infers fans from the kernel's shape, which is wrong where weights are not shared.
    """
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit)


def with_fans(initializer, fans):
    """Returns an initialiser that scales with `fans`, (in, out), where it scales with any.

    Its seed is that of `initializer`.
    """
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer
    fan_in, fan_out = fans
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    variance = initializer.scale / max(1.0, fan[initializer.mode])
    seed = initializer.seed
    if initializer.distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return keras.initializers.RandomUniform(-limit, limit, seed=seed)
    if initializer.distribution == "untruncated_normal":
        return keras.initializers.RandomNormal(stddev=math.sqrt(variance), seed=seed)
    # Keras' factor: the deviation of a normal that is cut off at two deviations
    stddev = math.sqrt(variance) / 0.87962566103423978
    return keras.initializers.TruncatedNormal(stddev=stddev, seed=seed)
