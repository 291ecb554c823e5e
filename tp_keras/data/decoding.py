"""What of a TFDS record is read, and what it has to be: an error, or else an example."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_datasets as tfds

from tp_keras.data.selection import Selection


@tfds.decode.make_decoder()
def of_its_shape(content, feature):
    """An image; tf.data puts a smaller one into a batch as it is, beside what was in memory."""
    image = feature.decode_example(content)
    return tf.ensure_shape(image, feature.shape)


@tfds.decode.make_decoder()
def known_class(number, feature):
    """A class number, of which TFDS asks nothing."""
    last = tf.constant(feature.num_classes - 1, number.dtype)
    known = (number >= 0) & (number <= last)
    message = f"the class number is not within 0..{feature.num_classes - 1}"
    with tf.control_dependencies([tf.debugging.Assert(known, [message])]):
        return tf.identity(number)


def decoding(selection: Selection, encoded: bool = False) -> tfds.decode.PartialDecoding:
    """Returns how the image and the class number of a record are decoded; nothing else of it is.

    Args:
      selection: What they are called.
      encoded: Whether the image stays as it lies on disk.
    """
    image = tfds.decode.SkipDecoding() if encoded else of_its_shape()
    decoders = {selection.image: image, selection.label: known_class()}
    return tfds.decode.PartialDecoding(dict.fromkeys(decoders, True), decoders)


def decoder(
    builder: tfds.core.DatasetBuilder, how: tfds.decode.PartialDecoding
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Returns a function from a record, as it lies on disk, to its features."""
    features = how.extract_features(builder.info.features)
    return lambda record: features.deserialize_example(record, decoders=how.decoders)
