"""What a weight mirror needs to find the weights, in size as well as in direction."""

import keras
import tensorflow as tf

from tp_keras.feedback_rules import mirror_rate


@keras.saving.register_keras_serializable(package="tp_keras")
class MeanThenMoving(keras.optimizers.schedules.LearningRateSchedule):
    """1, 1/2, 1/3 .. down to `rate`, by which a moving average begins as the mean of all so far."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return mirror_rate(self.rate, step)

    def get_config(self):
        return {"rate": self.rate}


def correlation(layer, x, a):
    """Sum over the batch of x a^T, laid out as the layer's kernel; a mean over a weight's uses.

    Args:
      layer: An `Affine` layer.
      x: What it reads, `(batch, *in_shape)`.
      a: What is correlated with it, `(batch, *out_shape)`.
    """
    dtype = layer.compute_dtype
    product = tf.cast(gradient(layer, tf.cast(x, dtype), tf.cast(a, dtype)), x.dtype)
    if layer.bias_shape == layer.out_shape:  # no weight is shared
        return product
    # Taps that hang over the border are used less; those that meet padding alone stay 0
    uses = gradient(layer, tf.ones((1, *layer.in_shape), x.dtype), tf.ones_like(a[:1]))
    return tf.math.divide_no_nan(product, uses)


def gradient(layer, x, a):
    """The gradient of <a, A x> with respect to the kernel of A, whatever that is."""
    kernel = tf.cast(layer.kernel, x.dtype)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        product = layer.linear(x, kernel)
    return tape.gradient(product, kernel, output_gradients=a)
