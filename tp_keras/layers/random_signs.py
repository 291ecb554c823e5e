"""A fixed random matrix that is not stored: its signs are drawn again at each product."""

import math

import keras
import numpy as np
import tensorflow as tf

from tp_keras import keys

BLOCK = 2**21  # numbers, 8 MB: small beside any batch, large enough for a fast product
SIGNS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) * 2.0 - 1.0


@keras.saving.register_keras_serializable(package="tp_keras")
class RandomSigns(keras.layers.Layer):
    """B y, with B of independent random signs of Glorot's variance, a function of the seed.

    Input `(batch, inputs)`, output `(batch, *out_shape)`. B is made block by block from stateless
    random bits, a bit a sign, so that the memory it takes is at most one block's.

    Args:
      inputs: Numbers in one input.
      out_shape: Shape of one output.
      seed: Two integers that no other matrix of the run has.
    """

    def __init__(self, inputs, out_shape, seed, *, dtype=None, name=None):
        super().__init__(trainable=False, dtype=dtype, name=name, autocast=False)
        self.inputs, self.out_shape, self.seed = inputs, tuple(out_shape), tuple(seed)
        self.units = math.prod(out_shape)
        self.rows = max(1, min(self.units, BLOCK // inputs))
        self.scale = math.sqrt(2.0 / (self.units + inputs))
        self.built = True

    def call(self, y):
        transposed = tf.transpose(tf.cast(y, self.compute_dtype))
        blocks = tf.map_fn(
            lambda number: tf.matmul(self.block(number), transposed),
            tf.range(-(-self.units // self.rows)),
            fn_output_signature=transposed.dtype,
            parallel_iterations=1,
        )
        product = tf.reshape(blocks, (-1, tf.shape(y)[0]))[: self.units]
        return tf.cast(
            self.scale * tf.reshape(tf.transpose(product), (-1, *self.out_shape)), y.dtype
        )

    def block(self, number):
        """Signs of B's rows `number * rows` and on, `(rows, inputs)`; beyond its end as well."""
        key = keys.fold(tf.constant(self.seed, tf.int32), number)
        words = (self.rows, -(-self.inputs // 32))
        # The same algorithm on every device, and whole bits: XLA draws the same
        bits = tf.random.stateless_uniform(words, key, None, None, tf.int32, alg="philox")
        octets = tf.reshape(tf.bitcast(bits, tf.uint8), (self.rows, -1))
        signs = tf.gather(tf.constant(SIGNS_OF_BYTE, self.compute_dtype), tf.cast(octets, tf.int32))
        return tf.reshape(signs, (self.rows, -1))[:, : self.inputs]

    def matrix(self):
        """All of B, `(units, inputs)`, as a stored layer would hold it."""
        blocks = [self.block(number) for number in range(-(-self.units // self.rows))]
        return self.scale * tf.concat(blocks, 0)[: self.units]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.out_shape)

    def get_config(self):
        names = ("inputs", "out_shape", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
