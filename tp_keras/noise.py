"""Gaussian noise that is a function of (seed, step, replica) and leaves no state to save."""

import math

import tensorflow as tf


def normal_like(tensors, seed, step, stddev):
    """Draws Gaussian noise for several tensors in one call.

    Args:
      tensors: Tensors `(batch, ...)` of one batch size and dtype.
      seed: Seed of the run, an integer.
      step: Step of the run, an integer tensor.
      stddev: Standard deviation.

    Returns:
      List of tensors shaped like `tensors`; distinct for each, for each step and each replica.
    """
    sizes = [math.prod(x.shape[1:]) for x in tensors]
    batch = tf.shape(tensors[0])[0]
    key = tf.stack([tf.cast(seed, tf.int32), tf.cast(step, tf.int32)])
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    key = tf.random.experimental.stateless_fold_in(key, tf.cast(replica, tf.int32))
    draws = tf.random.stateless_normal(
        (batch, sum(sizes)), key, stddev=stddev, dtype=tensors[0].dtype
    )
    parts = tf.split(draws, sizes, axis=1)
    return [tf.reshape(part, tf.shape(x)) for part, x in zip(parts, tensors, strict=True)]
