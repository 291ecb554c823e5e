"""The convolution."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from affine_layers import NAMED_WINDOWS, built, normal

from tp_keras.layers import Conv2D, LocallyConnected2D


class Conv2DTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_is_keras_convolution(self, image, size, strides):
        layer = built(lambda: Conv2D(4, size, strides), image)
        theirs = keras.layers.Conv2D(4, size, strides, padding="same")
        theirs.build((None, *image))
        theirs.set_weights([layer.kernel, normal(4)])
        layer.bias.assign(normal(4))
        x = normal(3, *image)
        self.assertAllClose(theirs(x), layer(x), atol=1e-5)

    @parameterized.parameters(1, 2, 3)
    def test_starts_within_the_limit_of_keras_convolution_whatever_the_strides(self, strides):
        layer = built(lambda: Conv2D(64, 5, strides), (16, 16, 30))
        theirs = keras.layers.Conv2D(64, 5, strides)
        theirs.build((None, 16, 16, 30))
        largest = [np.abs(kernel).max() for kernel in (theirs.kernel, layer.kernel)]
        self.assertAllClose(*largest, rtol=1e-3)  # the largest of 48,000 uniform numbers each

    @parameterized.product(
        layer=(Conv2D, LocallyConnected2D), argument=("filters", "kernel_size", "strides")
    )
    def test_sizes_must_be_positive(self, layer, argument):
        sizes = {"filters": 4, "kernel_size": 3, "strides": 2, argument: 0}
        with self.assertRaisesRegex(
            ValueError, f"`{argument}` must be a whole number of at least 1.*, received 0"
        ):
            layer(**sizes)

    @parameterized.parameters(Conv2D, LocallyConnected2D)
    def test_input_must_be_an_image(self, layer):
        with self.assertRaisesRegex(
            ValueError, rf"{layer.__name__} .* reads \(height, width, channels\), received \(8,\)"
        ):
            layer(4, 3).build((None, 8))
