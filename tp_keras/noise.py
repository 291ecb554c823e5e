"""Gaussian noise that is a function of (seed, step, example) and leaves no state to save."""

import math

import tensorflow as tf

PHILOX = 1
BLOCK = 16  # bytes of noise for each count of Philox' counter


def normal_like(tensors, seed, step, stddev):
    """Draws Gaussian noise for several tensors in one call.

    A replica draws its own rows of the noise for the whole global batch, by starting the
    generator's counter where they begin: noise does not depend on the number of replicas.

    Args:
      tensors: Tensors `(batch, ...)` of one batch size and dtype, float32 or float64.
      seed: Seed of the run, an integer.
      step: Step of the run, an integer tensor.
      stddev: Standard deviation.

    Returns:
      List of tensors shaped like `tensors`; distinct for each, for each step and each replica.
    """
    sizes, dtype = [math.prod(x.shape[1:]) for x in tensors], tensors[0].dtype
    width = math.ceil(sum(sizes) / 4) * 4  # a row begins with a count of its own
    batch = tf.shape(tensors[0])[0]
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(
        seed=tf.stack([tf.cast(seed, tf.int32), tf.cast(step, tf.int32)])
    )
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    first_row = tf.cast(batch * tf.cast(replica, tf.int32), tf.uint64)
    counter += tf.stack([first_row * (width * dtype.size // BLOCK), tf.constant(0, tf.uint64)])
    draws = stddev * tf.raw_ops.StatelessRandomNormalV2(
        shape=(batch, width), key=key, counter=counter, alg=PHILOX, dtype=dtype
    )
    parts = tf.split(draws, [*sizes, width - sum(sizes)], axis=1)[: len(sizes)]
    return [tf.reshape(part, tf.shape(x)) for part, x in zip(parts, tensors, strict=True)]
