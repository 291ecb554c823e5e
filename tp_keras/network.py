"""A stack of affine layers that shows its work."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tp_keras")
class Network(keras.Model):
    """Layers f[1] .. f[L], numbered as in the paper.

    Args:
      layers: The `Affine` layers, from the input up; the last one's activation is the output's.
      in_shape: Shape of one input, `(height, width, channels)` or `(units,)`.

    Raises:
      ValueError: If there is no layer.
    """

    def __init__(self, layers, in_shape, name=None):
        super().__init__(name=name)
        if not layers:
            raise ValueError("`layers` must hold at least one layer, received none")
        self.in_shape = tuple(in_shape)
        self.stack = list(layers)
        shape = (None, *in_shape)
        for layer in self.stack:
            if not layer.built:  # a layer that was saved is built when it is loaded
                layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    @property
    def f(self):
        """The layers by number, 1..L."""
        return dict(enumerate(self.stack, start=1))

    @property
    def depth(self):
        """L, the number of layers."""
        return len(self.stack)

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def activations(self, x):
        """Runs the network and keeps every layer's part.

        No gradient crosses from one layer to the next, so that the derivative of a[l] with
        respect to all weights is the one with respect to layer l's alone.

        Args:
          x: Inputs, `(batch, *in_shape)`.

        Returns:
          Pre-activations a[1..L] and activations h[0..L], dictionaries by layer number.
        """
        a, h = {}, {0: x}
        for l, f in self.f.items():
            a[l] = f.preactivation(h[l - 1])
            h[l] = tf.stop_gradient(f.activation(a[l]))
        return a, h

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.stack]
        return {"layers": layers, "in_shape": self.in_shape, "name": self.name}

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
