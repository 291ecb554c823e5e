"""The keys of all random streams of a run: a name folded into its seed, then epoch or step."""

import zlib

import numpy as np
import tensorflow as tf

POSITIVE = 2**31 - 1  # XLA extends the sign of a negative number of a key, and then draws others


def key(seed: int, name: str, *numbers) -> tf.Tensor:
    """Returns the seed that TensorFlow's stateless operations take, int32 of shape `(2,)`.

    Streams of different names, seeds or numbers are independent of one another.

    Args:
      seed: Seed of the run, an integer.
      name: What the random numbers are for, such as "order" or "noise".
      *numbers: Epoch, step or layer, integers or integer tensors, in the order they are folded in.

    Example:
      tf.random.stateless_uniform((60000, 3), keys.key(seed, "augmentation", epoch))
    """
    return fold(tf.constant(pair(seed, name)), *numbers)


def fold(key: tf.Tensor, *numbers) -> tf.Tensor:
    """Returns a key made of another and of numbers."""
    for number in numbers:
        key = tf.random.fold_in(key, tf.cast(number, tf.int32), alg="philox")
        key = tf.bitwise.bitwise_and(key, POSITIVE)
    return key


def integer(seed: int, name: str) -> int:
    """Returns a seed of 31 bits for what takes a single integer, as `keras.utils` does."""
    return int(_words(seed, name)[0])


def pair(seed: int, name: str) -> tuple[int, int]:
    """Returns the two numbers of `key(seed, name)` as integers, to be kept in a config."""
    return tuple(int(word) for word in _words(seed, name).view(np.int32))


def _words(seed, name):
    """62 well-mixed bits, two of uint32."""
    # SeedSequence takes no negative numbers
    entropy = [abs(seed), int(seed < 0), zlib.crc32(name.encode())]
    return np.random.SeedSequence(entropy).generate_state(2) & np.uint32(POSITIVE)
