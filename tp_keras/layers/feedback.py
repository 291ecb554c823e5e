"""A Keras layer whose error descends by a rule instead of through its own transpose."""

import math

import keras
import tensorflow as tf

from tp_keras import feedback_rules
from tp_keras.layers.stock import (
    another,
    initializer,
    kernels,
    refuse_channels_first,
    take_activation,
    with_activation,
    without_mixed_precision,
)


@keras.saving.register_keras_serializable(package="tp_keras")
class Feedback(keras.layers.Wrapper):
    """sigma(W x + b), whose error descends to x through `rule.kernel(W, B)` instead of W.

    Reads and returns what `layer` does, to the bit. B has the shape of the layer's kernel, and the
    distribution of its initializer. `SeparableConv2D` and its like have two kernels, hence two B.

        keras.Sequential([
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(6, 5, activation="relu"),  # the lowest layer passes no error on
            keras.layers.Flatten(),
            tp_keras.layers.Feedback(keras.layers.Dense(10, "softmax"), "fa"),
        ])

    Args:
      layer: A Keras layer that is affine in its input, but for its `activation`, and whose only
        matrix is `layer.kernel`. Its activation and activity regularizer move to this wrapper.
      rule: "bp", "fa", "sign_symmetry", "kolen_pollack", "weight_mirror", or an object with a
        method `kernel(W, B)`, as in `tp_keras.feedback_rules`.
      activation: The nonlinearity sigma; None takes that of `layer`.

    Raises:
      ValueError: If the rule is "dfa" or unknown, or the layer one that it cannot serve.
    """

    def __init__(self, layer, rule, activation=None, *, name=None, dtype=None, **kwargs):
        self.rule = feedback_rules.get(rule)
        if isinstance(self.rule, feedback_rules.DFA):
            raise ValueError('`rule` "dfa" is one of whole models: tp_keras.convert(model, "dfa")')
        if not isinstance(layer, keras.Layer):
            raise ValueError(f"`layer` must be a layer of Keras, received {layer!r:.60}")
        refuse_channels_first(layer)
        kwargs = {"trainable": layer.trainable, "autocast": layer.autocast, **kwargs}
        super().__init__(
            layer, name=name or layer.name, dtype=dtype or layer.dtype_policy, **kwargs
        )
        if isinstance(layer, keras.layers.RNN):  # whose kernel is not all
            self._refuse()
        self.activation = take_activation(self, activation)
        self.supports_masking = layer.supports_masking

    def build(self, input_shape):
        super().build(input_shape)
        kernels = self.kernels
        if not kernels:
            self._refuse()
        mirrors = isinstance(self.rule, feedback_rules.WeightMirror)
        if mirrors and len(kernels) > 1:
            raise ValueError(
                f"layer {self.name!r} ({type(self.layer).__name__}) has two kernels, of which a "
                "weight mirror would see the product: name it in `exclude`, or write two layers"
            )
        has_feedback = getattr(self.rule, "has_feedback", True)
        self.feedback = [self._feedback(W) for W in kernels] if has_feedback else []
        self.steps = None
        if mirrors:
            self.steps = self.add_weight(
                shape=(),
                initializer="zeros",
                dtype="int64",
                trainable=False,
                aggregation="only_first_replica",
                name="steps",
            )

    def _refuse(self):
        raise ValueError(
            "`layer` must be one affine map, its only matrix a variable `kernel`, received "
            f"{self.name!r}, a {type(self.layer).__name__}"
        )

    def _feedback(self, W):
        learns = getattr(self.rule, "learns", False)
        return self.add_weight(
            shape=W.shape,
            initializer=another(initializer(self.layer, W.name)),
            regularizer=W.regularizer if learns else None,
            constraint=W.constraint if learns else None,
            trainable=learns,
            autocast=False,  # a weight mirror adds small numbers to it
            aggregation="mean",
            name="feedback",
        )

    @property
    def kernels(self):
        """The layer's kernels, from its input on: one, or the two of a separable convolution."""
        return kernels(self.layer)

    @property
    def kernel(self):
        """The layer's kernel W; of two the last."""
        return self.kernels[-1]

    @property
    def B(self):
        """The feedback weights, shaped like `kernel`; None where the rule has none."""
        return self.feedback[-1] if self.feedback else None

    def call(self, x, training=None):
        # Tensors, read here: a variable would be read where it is used, after the mirror moved it
        W = [tf.convert_to_tensor(kernel.value) for kernel in self.kernels]
        B = [tf.cast(tf.convert_to_tensor(B.value), W[0].dtype) for B in self.feedback]
        B = B or [None] * len(W)
        if training and self.steps is not None:
            self.mirror(x)
        feedback = [tf.stop_gradient(self.rule.kernel(*pair)) for pair in zip(W, B, strict=True)]
        if getattr(self.rule, "learns", False):
            W = [_alike(*pair) for pair in zip(W, B, strict=True)]
        *inner, last = W
        a = self.affine(tf.stop_gradient(x), [*map(tf.stop_gradient, inner), last])

        @tf.custom_gradient
        def descend(a, x, *inner):
            return tf.identity(a), lambda delta: (delta, *self.transposed(delta, x, feedback))

        return self.activation(descend(a, x, *inner))

    def affine(self, x, kernels, use_bias=True):
        """Returns what the layer makes of x with other kernels."""
        values = {id(v): v.value if use_bias else tf.zeros_like(v) for v in self.layer.variables}
        values |= dict(zip(map(id, self.kernels), kernels, strict=True))
        # A nested scope forgets the outer one, hence the values of all variables
        with keras.StatelessScope([(v, values[id(v)]) for v in self.layer.variables]):
            return self.layer(x)

    def transposed(self, delta, x, kernels):
        """Returns delta's error at x, by other kernels, and at all kernels but the last.

        The map is linear in each kernel, so that the gradient of one does not depend on its value.
        """
        sources = [x, *kernels[:-1]]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            a = self.affine(x, kernels)  # read by nobody: in a graph no product
        return tape.gradient(a, sources, output_gradients=delta)

    def mirror(self, x):
        """Moves B towards W by what the layer makes of noise shaped like x."""
        noise = self.rule.noise_like(tf.cast(x, self.variable_dtype), self.name, self.steps.value)
        positions = math.prod(self.layer.compute_output_shape(x.shape)[1:-1])
        # Scaled so that float16, too, holds the sums over examples and positions
        noise *= tf.math.rsqrt(tf.cast(positions * tf.shape(x)[0], noise.dtype))
        mirrored = self._correlation(noise, lambda a: a)
        share = tf.ones_like(noise[:1]) / positions
        with without_mixed_precision(self.layer):  # where equal terms are all rounded one way
            uses = self._correlation(share, tf.ones_like)
        (B,) = self.feedback
        mean = tf.math.divide_no_nan(mirrored, uses)
        B.assign(self.rule.moved(B.value, mean, self.steps.value))
        self.steps.assign_add(1)

    def _correlation(self, x, output):
        """x a^T laid out as the kernel, of `output(a)` in the place of a = W x."""
        W = tf.cast(self.kernel.value, self.variable_dtype)
        with tf.GradientTape() as tape:
            tape.watch(W)
            a = self.affine(x, [W], use_bias=False)
        return tape.gradient(a, W, output_gradients=output(a))

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def plain(self):
        """Returns a new layer like `layer`, without weights, its activation inside."""
        return with_activation(self.layer, self.activation, self)

    def get_config(self):
        rule = keras.saving.serialize_keras_object(self.rule)
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "rule": rule, "activation": activation}


@tf.custom_gradient
def _alike(W, B):
    """W, whose gradient is also B's (Kolen & Pollack)."""
    return tf.identity(W), lambda dW: (dW, dW)
