"""A chain of blocks whose activations can be recorded."""

import keras
import tensorflow as tf

from tp_keras import blocks
from tp_keras.layers.affine import Affine
from tp_keras.layers.onednn import refuse_damaging
from tp_keras.layers.stock import refuse_channels_first
from tp_keras.record import Record
from tp_keras.scalars import is_whole


@keras.saving.register_keras_serializable(package="tp_keras")
class Network(keras.Model):
    """Blocks f[1] .. f[L], numbered as in the paper: h[l] = f[l](h[l-1]).

    A block is any Keras layer or model of one input and one output. An affine one, from
    `tp_keras.layers`, also has a pre-activation a[l] and an adjoint, which rules with feedback
    weights need.

    Args:
      layers: The blocks, from the input up.
      in_shape: Shape of one input, `(height, width, channels)` or `(units,)`.

    Raises:
      ValueError: If there is no block, or one has several inputs or outputs, an output of unknown
        size, layers that another block has too, a stock layer with channels first, or a gradient
        that damages memory on this processor.
    """

    def __init__(self, layers, in_shape, name=None):
        super().__init__(name=name)
        if not isinstance(layers, list | tuple) or not layers:
            raise ValueError(
                f"`layers` must hold at least one layer, in a list, received {layers!r:.60}"
            )
        for layer in layers:
            if not isinstance(layer, keras.Layer):
                raise ValueError(f"`layers` must hold layers of Keras, received {layer!r:.60}")
        if not _is_shape(in_shape):
            raise ValueError(
                "`in_shape` must be a tuple of integers of at least 1, such as (28, 28, 1), "
                f"received {in_shape!r:.60}"
            )
        self.in_shape = tuple(in_shape)
        self.stack = list(layers)
        shapes = [self.in_shape]
        for l, layer in self.f.items():
            shapes.append(blocks.built(l, layer, shapes[-1]))
        blocks.refuse_shared(self.stack)
        within = [layer for block in self.stack for layer in blocks.layers_of(block)]
        refuse_damaging(within)
        for layer in within:
            if not isinstance(layer, Affine):
                refuse_channels_first(layer)
        self._shapes = tuple(shapes)
        self.built = True
        self._build_shapes_dict = {"input_shape": (None, *self.in_shape)}  # what `summary` reads

    @classmethod
    def of(cls, model, at=None, name=None):
        """Returns the network that a Sequential or Functional model is; they share their layers.

        Args:
          model: A built Keras model of one input and one output.
          at: Names of the layers that end a block. None is wherever one tensor alone flows on and
            a layer with a matrix follows.

        Raises:
          ValueError: If something flows around the end of a block; the message names the layers
            at which `model` can be cut.
        """
        return cls(blocks.cut(model, at), model.inputs[0].shape[1:], name=name or model.name)

    @property
    def f(self):
        """The blocks by number, 1..L."""
        return dict(enumerate(self.stack, start=1))

    @property
    def depth(self):
        """L, the number of blocks."""
        return len(self.stack)

    @property
    def shapes(self):
        """The shape of one example of h[l], by number, 0..L."""
        return dict(enumerate(self._shapes))

    def call(self, x, training=None):
        self.check(x)
        for layer in self.stack:
            x = layer(x, training=training)
        return x

    def check(self, x):
        """Raises ValueError where `x` is not a batch of inputs."""
        shape = getattr(x, "shape", None)
        if (
            shape is None
            or len(shape) != len(self.in_shape) + 1
            or any(
                found not in (None, wanted)
                for found, wanted in zip(shape[1:], self.in_shape, strict=True)
            )
        ):
            received = type(x).__name__ if shape is None else tuple(shape)
            raise ValueError(
                f"`x` must have the shape (batch, {', '.join(map(str, self.in_shape))}), "
                f"received {received}"
            )

    def record(self, x, tape=None):
        """Runs the network, as it trains, under a persistent tape.

        Args:
          x: Inputs, `(batch, *in_shape)`.
          tape: A `tf.GradientTape(persistent=True)` that is recording; None is one of its own.

        Returns:
          A `Record`.
        """
        if tape is None:
            with tf.GradientTape(persistent=True) as tape:
                return self.record(tf.convert_to_tensor(x), tape)
        self.check(x)
        inputs, a, h = {}, {}, {0: x}
        for l in self.f:
            inputs[l] = tf.stop_gradient(h[l - 1])
            if l > 1:
                tape.watch(inputs[l])
            a[l], h[l] = self.run_block(l, inputs[l], training=True)
        a = {l: value for l, value in a.items() if value is not None}
        return Record(self, tape, inputs, a, h, self.losses_of(h))

    def outputs(self, x, training=False):
        """Returns a[L], which losses read, h[L], and the layers' own losses."""
        self.check(x)
        h = {0: x}
        for l in self.f:
            a, h[l] = self.run_block(l, h[l - 1], training)
        return a, h[self.depth], self.losses_of(h)

    def losses_of(self, h):
        """The layers' own losses, of weights and activities, after a pass that gave `h`."""
        # Keras notes an activity's loss where a layer is called, as an affine block is not here
        affine = {l: f for l, f in self.f.items() if isinstance(f, Affine)}
        activity = {l: f.activity_regularizer for l, f in affine.items()}
        return self.losses + [loss(h[l]) for l, loss in activity.items() if loss is not None]

    def run_block(self, l, x, training):
        """Returns a[l], None in a hidden block that is not affine, and h[l], in float32 or more."""
        f = self.f[l]
        if isinstance(f, Affine):
            a = f.preactivation(x)
            return a, f.activation(a)
        output = f(x, training=training)
        h = tf.cast(output, f.variable_dtype)
        if l < self.depth:
            return None, h
        # Keras notes on an output of softmax or sigmoid what it was made of, and losses read that
        if not hasattr(output, "_keras_logits"):
            h = tf.identity(h)
            return h, h
        h._keras_logits = tf.cast(output._keras_logits, h.dtype)
        return h._keras_logits, h

    def output_from(self, l, h):
        """Returns a[L], as blocks l+1..L train, where `h` is in place of h[l], for l < L."""
        for above in range(l + 1, self.depth + 1):
            a, h = self.run_block(above, h, training=True)
        return a

    def response(self, l, x):
        """Returns f[l](x) as the block trains, but leaves moving statistics and seeds alone."""
        f = self.f[l]
        if not f.non_trainable_variables:
            return tf.cast(f(x, training=True), f.variable_dtype)
        state = [[v.value for v in vs] for vs in (f.trainable_variables, f.non_trainable_variables)]
        return tf.cast(f.stateless_call(*state, x, training=True)[0], f.variable_dtype)

    def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **rest):
        """Writes the network for serving, as `keras.Model.export` does."""
        batch = keras.InputSpec(shape=(None, *self.in_shape), dtype=self.input_dtype)
        signature = input_signature or [batch]
        return super().export(filepath, format, verbose, input_signature=signature, **rest)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._shapes[-1])

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.stack]
        return {"layers": layers, "in_shape": self.in_shape, "name": self.name}

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def _is_shape(shape):
    """Whether a value is the shape of one example; sizes may be unknown."""
    return isinstance(shape, list | tuple) and all(
        size is None or (is_whole(size) and size > 0) for size in shape
    )
