"""Random crops and mirror images, each a function of numbers drawn for an example."""

import tensorflow as tf

FLIPS = (None, "left_right", "up_down")
# Inception's crops (Szegedy et al., 2015): share of the area, width over height
AREA_RANGE, ASPECT_RANGE = (0.08, 1.0), (3 / 4, 4 / 3)
# A test image's shorter side is resized to 256 pixels, of which the central 224 are kept
CENTRAL_SHARE = 224 / 256


def draws(key, examples):
    """Three numbers in [0, 1) for every example, `(examples, 3)`, a function of `key` alone."""
    return tf.random.stateless_uniform((examples, 3), key, alg="philox")


def crops_and_flips(images, numbers, padding, flip):
    """Cuts a window of an image's own size out of the image in a black frame, and mirrors half.

    Args:
      images: `(batch, height, width, channels)` of any type.
      numbers: Three numbers in [0, 1) for each image, `(batch, 3)`: row, column, mirror.
      padding: Width of the frame in pixels; 0 leaves the image in its place.
      flip: "left_right", "up_down" or None.

    Returns:
      Images of the same shape and type.
    """
    offsets = tf.cast(numbers[:, :2] * (2 * padding + 1), tf.int32)
    rows = offsets[:, :1] + tf.range(images.shape[1])
    columns = offsets[:, 1:] + tf.range(images.shape[2])
    mirrored = numbers[:, 2:] < 0.5
    if flip == "up_down":
        rows = tf.where(mirrored, rows[:, ::-1], rows)
    if flip == "left_right":
        columns = tf.where(mirrored, columns[:, ::-1], columns)
    frame = [padding, padding]
    framed = tf.pad(images, [[0, 0], frame, frame, [0, 0]])
    return tf.gather(tf.gather(framed, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def random_window(shape, key):
    """Where Inception's random crop of an image lies: `(row, column, height, width)`.

    Its share of the area is uniform, as Szegedy et al. say; its aspect is uniform among those at
    which that area fits into the image. TensorFlow's own sampler is not used: it draws heights
    uniformly, and the mean area is then .39 and not .54.

    Args:
      shape: Shape of the image, `(height, width, channels)`, a tensor.
      key: Seed of shape `(2,)`.
    """
    sides = tf.cast(shape[:2], tf.float32)
    image_aspect = sides[1] / sides[0]
    numbers = tf.random.stateless_uniform((4,), key)
    # A photograph longer than 4:3 has no room for all of its area at such an aspect
    largest = tf.reduce_min([1.0, ASPECT_RANGE[1] / image_aspect, image_aspect / ASPECT_RANGE[0]])
    area = between(numbers[0], tf.minimum(AREA_RANGE[0], largest), largest * AREA_RANGE[1])
    narrowest = tf.maximum(ASPECT_RANGE[0], area * image_aspect)
    aspect = between(numbers[1], narrowest, tf.minimum(ASPECT_RANGE[1], image_aspect / area))
    size = tf.sqrt(area * sides[0] * sides[1] * tf.stack([1.0 / aspect, aspect]))
    size = tf.clip_by_value(tf.round(size), 1.0, sides)
    begin = tf.floor(numbers[2:] * (sides - size + 1.0))
    return tf.cast(tf.concat([begin, size], 0), tf.int32)


def between(number, low, high):
    """Where a number in [0, 1) lies from `low` to `high`."""
    return low + number * (high - low)


def central_window(shape):
    """The central square of an image, used in tests: `(row, column, height, width)`."""
    shorter = tf.cast(tf.reduce_min(shape[:2]), tf.float32)
    side = tf.cast(tf.round(CENTRAL_SHARE * shorter), tf.int32)
    return tf.concat([(shape[:2] - side) // 2, [side, side]], 0)
