"""The backward layer paired with a forward layer."""

import keras
import tensorflow as tf

from tp_keras.layers.affine import glorot


@keras.saving.register_keras_serializable(package="tp_keras")
class Transpose(keras.layers.Layer):
    """sigma(A^T y + c), with weights of its own, from a layer's output to its input.

    The same wiring serves every rule that has a backward path:

      fixed and linear        the feedback weights of FA and DFA
      trained, with a bias    the inverses of target propagation

    Input `(batch, *out_shape)`, output `(batch, *in_shape)` of `layer`. The kernel has the shape
    of the layer's (of `LocallyConnected2D`: its last two axes swapped), the bias that of the
    layer's input.

    Args:
      layer: An `Affine`, which lends its wiring and none of its weights.
      in_shape: Shape of one input of `layer`; may be left out where `layer` is built.
      activation: The nonlinearity sigma.
      use_bias: Whether there is a bias c.

    Raises:
      ValueError: If `layer` is neither built nor given its `in_shape`.
    """

    def __init__(
        self,
        layer,
        in_shape=None,
        activation=None,
        use_bias=False,
        *,
        trainable=True,
        dtype=None,
        name=None,
    ):
        super().__init__(
            trainable=trainable, dtype=dtype or layer.dtype_policy, name=name, autocast=False
        )
        in_shape = in_shape or getattr(layer, "in_shape", None)
        if in_shape is None:
            raise ValueError("`in_shape` must be given where `layer` is not built, received None")
        wiring = type(layer).from_config(layer.get_config())
        wiring.wire(tuple(in_shape))
        self._wiring = lambda: wiring  # a function, or Keras would track it as a sublayer
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias

    def build(self, input_shape):
        layer = self._wiring()
        shape, initializer = layer.backward_kernel_shape, glorot(*layer.fans)
        self.kernel = self.add_weight(
            shape=shape, initializer=initializer, autocast=False, name="kernel"
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=layer.in_shape, initializer="zeros", autocast=False, name="bias"
            )

    def linear(self, y):
        """Returns A^T y, `(batch, *in_shape)`."""
        kernel = tf.cast(self.kernel, self.compute_dtype)
        product = self._wiring().backward_linear(tf.cast(y, self.compute_dtype), kernel)
        return tf.cast(product, y.dtype)  # float32 also where the kernel is bfloat16

    def call(self, y):
        product = self.linear(y)
        return self.activation(product + self.bias if self.use_bias else product)

    def tie(self, layer):
        """Copies the weights of `layer`, so that this is its adjoint A^T."""
        self.kernel.assign(layer.backward_kernel(layer.kernel))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._wiring().in_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self._wiring()),
            "in_shape": self._wiring().in_shape,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def difference(g, y, z):
    """Returns `g(y) - g(z)`: where g is a linear `Transpose` by one product, A^T (y - z)."""
    if isinstance(g, Transpose) and g.activation is keras.activations.linear:
        return g.linear(y - z)
    return g(y) - g(z)
