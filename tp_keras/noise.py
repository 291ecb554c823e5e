"""Gaussian noise that is a function of a key and the example, and leaves no state to save."""

import math

import tensorflow as tf

PHILOX = 1
BLOCK = 8  # normals for each count of Philox' counter, which makes 128 bits


def normal_like(tensors, key, stddev):
    """Draws Gaussian noise for several tensors in one call.

    A replica draws its own rows of the noise for the whole global batch, by starting the
    generator's counter where they begin: noise does not depend on the number of replicas.

    Args:
      tensors: Tensors `(batch, ...)` of one batch size and dtype, float32 or float64.
      key: Key of the step, see `keys.key`.
      stddev: Standard deviation.

    Returns:
      List of tensors shaped like `tensors`; distinct for each, for each key and each replica.
    """
    sizes = [math.prod(x.shape[1:]) for x in tensors]
    blocks = math.ceil(sum(sizes) / BLOCK)  # a row begins with a count of its own
    batch = tf.shape(tensors[0])[0]
    philox_key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=key)
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    first_row = tf.cast(batch * tf.cast(replica, tf.int32), tf.uint64)
    counter += tf.stack([first_row * blocks, tf.constant(0, tf.uint64)])
    bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=(batch, blocks * BLOCK // 2),
        key=philox_key,
        counter=counter,
        alg=PHILOX,
        dtype=tf.int32,
    )
    draws = normal(bits, stddev, tensors[0].dtype)
    parts = tf.split(draws, [*sizes, blocks * BLOCK - sum(sizes)], axis=1)[: len(sizes)]
    return [tf.reshape(part, tf.shape(x)) for part, x in zip(parts, tensors, strict=True)]


def normal(bits, stddev, dtype):
    """Makes independent normals `(rows, 2 n)` of random int32 `(rows, n)`.

    By Box & Muller (1958): half the time of `tf.random.stateless_normal`, which spends 32 bits
    on each. All bits make the angle and the lower 16 the radius, hence none exceeds 4.86
    deviations, which one in a million would.
    """
    angle = tf.cast(bits, dtype) * (math.pi / 2**31)
    uniform = (tf.cast(tf.bitwise.bitwise_and(bits, 0xFFFF), dtype) + 0.5) / 2**16
    radius = tf.sqrt(-2.0 * stddev**2 * tf.math.log(uniform))
    return tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
