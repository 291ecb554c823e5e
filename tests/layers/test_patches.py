"""Patches of images, to any order of differentiation."""

import tensorflow as tf
from absl.testing import parameterized
from affine_layers import NAMED_WINDOWS, normal

from tp_keras.layers.patches import Patches


class PatchesTest(tf.test.TestCase, parameterized.TestCase):
    def pair(self, image, size, strides):
        """Our patches and TensorFlow's, both `(positions, size, batch)`."""
        patches = Patches(image, (size, size), (strides, strides), "same")
        window, step = [1, size, size, 1], [1, strides, strides, 1]

        def theirs(h):
            found = tf.image.extract_patches(h, window, step, [1, 1, 1, 1], "SAME")
            found = tf.reshape(found, (-1, patches.positions, patches.size))
            return tf.transpose(found, (1, 2, 0))

        return patches, theirs

    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_extract_is_tensorflows(self, image, size, strides):
        patches, theirs = self.pair(image, size, strides)
        h = tf.constant(normal(3, *image))
        self.assertAllEqual(theirs(h), patches.extract(h))

    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_fold_is_the_adjoint_of_extract(self, image, size, strides):
        patches, theirs = self.pair(image, size, strides)
        h = tf.constant(normal(3, *image, dtype="float64"))
        with tf.GradientTape() as tape:
            tape.watch(h)
            found = theirs(h)
        y = tf.constant(normal(*found.shape, dtype="float64", seed=1))
        expected = tape.gradient(found, h, output_gradients=y)
        self.assertAllClose(expected, patches.fold(y), rtol=1e-12, atol=1e-12)

    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_third_derivatives_are_tensorflows(self, image, size, strides):
        patches, theirs = self.pair(image, size, strides)
        h = tf.constant(normal(2, *image, dtype="float64"))

        def third(extract):
            """The gradient of a norm of the gradient of a norm of a gradient."""

            def value(h):
                return tf.reduce_sum(tf.exp(0.3 * extract(h)))

            for _ in range(3):
                value = norm_of_gradient(value)
            return value(h)

        self.assertAllClose(third(theirs), third(patches.extract), rtol=1e-9)


def norm_of_gradient(function):
    def norm(h):
        with tf.GradientTape() as tape:
            tape.watch(h)
            value = function(h)
        return tf.reduce_mean(tf.square(tape.gradient(value, h)))

    return norm
