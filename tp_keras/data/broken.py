"""Photographs that cannot be decoded: recognised, and left out of a batch."""

import tensorflow as tf

NONE_INTACT = "no photograph of a batch can be decoded"
NO_JPEG = "no JPEG file, or nothing but its header"
BEGIN, SCAN = b"\xff\xd8\xff", b"\xff\xda"  # a JPEG's first bytes, and what its pixels come after


def checked_jpeg(content):
    """The content of a file, or an error where it has not the marks of a JPEG.

    About a file without them TensorFlow's decoder writes lines of its own to standard error.
    """
    begins = tf.equal(tf.strings.substr(content, 0, len(BEGIN)), BEGIN)
    has_scan = tf.size(tf.strings.split(content, SCAN, maxsplit=1)) > 1
    with tf.control_dependencies([tf.debugging.Assert(begins & has_scan, [NO_JPEG])]):
        return tf.identity(content)


def or_none(make, kind, otherwise):
    """Returns `make()` and True; where it fails, calls `otherwise` and returns zeros and False."""
    made = tf.data.Dataset.range(1).map(lambda _: (make(), True)).ignore_errors()
    with_none = made.concatenate(
        tf.data.Dataset.range(1).map(lambda _: (tf.zeros(kind.shape, kind.dtype), False))
    )
    value, succeeded = with_none.take(1).get_single_element()
    with tf.control_dependencies([tf.cond(succeeded, lambda: 0, otherwise)]):
        return tf.identity(value), succeeded


def fill(images, succeeded, labels):
    """A batch with other examples of its own in place of those that could not be decoded."""
    intact = tf.cast(tf.where(succeeded)[:, 0], tf.int32)
    with tf.control_dependencies([tf.debugging.assert_positive(tf.size(intact), NONE_INTACT)]):
        places = tf.range(tf.size(labels))
    places = tf.where(succeeded, places, tf.gather(intact, places % tf.size(intact)))
    return tf.gather(images, places), tf.gather(labels, places)


def intact(images, succeeded, labels):
    """The part of a batch that could be decoded."""
    return tf.boolean_mask(images, succeeded), tf.boolean_mask(labels, succeeded)
