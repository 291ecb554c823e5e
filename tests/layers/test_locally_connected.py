"""The locally connected layer, against loops and against the convolution."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from affine_layers import NAMED_WINDOWS, built, normal

from tp_keras.layers import Conv2D, LocallyConnected1D, LocallyConnected2D


def windows(image, size, strides):
    """Yields position, row and column of the output, and where its patch begins."""
    (height, width, _), position = image, 0
    tops, lefts = (
        range(-(max((-(-side // strides) - 1) * strides + size - side, 0) // 2), side, strides)
        for side in (height, width)
    )
    for i, top in list(enumerate(tops))[: -(-height // strides)]:
        for j, left in list(enumerate(lefts))[: -(-width // strides)]:
            yield position, i, j, top, left
            position += 1


def naive(x, kernel, delta, size, strides):
    """Returns A x, and the gradients of <delta, A x> by x and by the kernel, one number each."""
    image = x.shape[1:]
    a, dx, dkernel = np.zeros_like(delta), np.zeros_like(x), np.zeros_like(kernel)
    for position, i, j, top, left in windows(image, size, strides):
        for u in range(size):
            for v in range(size):
                row, column = top + u, left + v
                if not (0 <= row < image[0] and 0 <= column < image[1]):
                    continue
                for c in range(image[2]):
                    k = (u * size + v) * image[2] + c
                    a[:, i, j] += np.outer(x[:, row, column, c], kernel[position, :, k])
                    dx[:, row, column, c] += delta[:, i, j] @ kernel[position, :, k]
                    dkernel[position, :, k] += x[:, row, column, c] @ delta[:, i, j]
    return a, dx, dkernel


def tied(conv_kernel, positions):
    """A convolution's kernel, repeated at every position in the local layer's layout."""
    *_, filters = conv_kernel.shape
    one = tf.transpose(tf.reshape(conv_kernel, (-1, filters)))
    return tf.repeat(one[None], positions, axis=0)


class LocallyConnected2DTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_is_the_naive_loop_with_its_gradients(self, image, size, strides):
        layer = built(lambda: LocallyConnected2D(4, size, strides, dtype="float64"), image)
        x = tf.constant(normal(3, *image, dtype="float64"))
        delta = normal(3, *layer.out_shape, dtype="float64", seed=1)
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = layer(x)
        found = tape.gradient(a, [x, layer.kernel.value], output_gradients=tf.constant(delta))
        expected = naive(x.numpy(), layer.kernel.numpy(), delta, size, strides)
        for ours, theirs in zip([a, *found], expected, strict=True):
            self.assertAllClose(theirs, ours, rtol=1e-12, atol=1e-12)

    @parameterized.named_parameters(*NAMED_WINDOWS)
    def test_with_tied_kernels_is_the_convolution(self, image, size, strides):
        local = built(lambda: LocallyConnected2D(4, size, strides, "tanh"), image)
        conv = built(lambda: Conv2D(4, size, strides, "tanh"), image)
        local.kernel.assign(tied(conv.kernel, local.kernel.shape[0]))
        local.bias.assign(tf.broadcast_to(normal(4), local.bias.shape))
        conv.bias.assign(normal(4))
        x = normal(3, *image)
        self.assertAllClose(conv(x), local(x), atol=1e-5)

    def test_gradient_of_a_gradient_is_the_convolutions(self):
        image = (7, 8, 2)
        local = built(lambda: LocallyConnected2D(4, 3, 2, "tanh", dtype="float64"), image)
        conv = built(lambda: Conv2D(4, 3, 2, "tanh", dtype="float64"), image)
        local.kernel.assign(tied(conv.kernel, local.kernel.shape[0]))
        by_x, by_kernel = penalty_gradients(local, normal(3, *image, dtype="float64"))
        expected_x, expected_kernel = penalty_gradients(conv, normal(3, *image, dtype="float64"))
        self.assertAllClose(expected_x, by_x, rtol=1e-9, atol=1e-12)
        shared = tf.reshape(tf.transpose(tf.reduce_sum(by_kernel, 0)), (3, 3, 2, 4))
        self.assertAllClose(expected_kernel, shared, rtol=1e-9, atol=1e-12)

    @parameterized.parameters("valid", "same")
    def test_oblong_windows_are_the_convolutions(self, padding):
        image, options = (7, 6, 2), {"strides": (2, 1), "padding": padding}
        local = built(lambda: LocallyConnected2D(4, (3, 2), **options), image)
        conv = built(lambda: Conv2D(4, (3, 2), **options), image)
        local.kernel.assign(tied(conv.kernel, local.kernel.shape[0]))
        self.assertAllClose(conv(normal(3, *image)), local(normal(3, *image)), atol=1e-5)

    def test_channels_first_is_channels_last_with_other_axes(self):
        last = built(lambda: LocallyConnected2D(4, (3, 2), 2), (7, 6, 2))
        options = {"data_format": "channels_first"}
        first = built(lambda: LocallyConnected2D(4, (3, 2), 2, **options), (2, 7, 6))
        last.bias.assign(normal(*last.bias.shape))
        first.kernel.assign(last.kernel)
        first.bias.assign(np.moveaxis(last.bias, -1, 0))
        x = normal(3, 7, 6, 2)
        found = first(np.moveaxis(x, -1, 1))
        self.assertAllClose(np.moveaxis(last(x), -1, 1), found, atol=1e-6)

    def test_a_sequence_is_an_image_of_one_column(self):
        line = built(lambda: LocallyConnected1D(4, 3, 2), (9, 2))
        image = built(lambda: LocallyConnected2D(4, (3, 1), (2, 1)), (9, 1, 2))
        line.kernel.assign(image.kernel)
        x = normal(3, 9, 2)
        self.assertAllClose(image(x[:, :, np.newaxis])[:, :, 0], line(x), atol=1e-6)

    def test_initializers_scale_with_the_inputs_of_one_output(self):
        for name, deviation in (("he_normal", (2 / 18) ** 0.5), ("lecun_uniform", 18**-0.5)):
            options = {"kernel_initializer": name}
            layer = built(lambda options=options: LocallyConnected2D(50, 3, **options), (6, 6, 2))
            self.assertAllClose(deviation, np.std(layer.kernel), rtol=0.02)

    def test_regularizers_constraints_and_bias_work_as_in_keras(self):
        model = keras.Sequential(
            [
                keras.Input((6, 5, 2)),
                LocallyConnected2D(
                    3,
                    3,
                    kernel_regularizer="l2",
                    activity_regularizer="l1",
                    kernel_constraint="non_neg",
                    use_bias=False,
                ),
            ]
        )
        (layer,), x = model.layers, normal(4, 6, 5, 2)
        penalties = 0.01 * np.square(layer.kernel).sum(), 0.01 * np.abs(model(x)).sum() / 4
        self.assertAllClose(sorted(penalties), sorted(model.losses), rtol=1e-5)
        model.compile("sgd", "mse")
        model.fit(x, normal(4, 6, 5, 3, seed=1), verbose=0)
        self.assertAllGreaterEqual(layer.kernel, 0)
        self.assertLen(layer.weights, 1)

    def test_wrong_arguments_are_named(self):
        for options, message in (
            ({"kernel_size": (3, 3, 3)}, r"`kernel_size` must be .* received \(3, 3, 3\)"),
            ({"kernel_size": 3, "strides": 1.5}, "`strides` must be .* received 1.5"),
            ({"kernel_size": 3, "padding": "causal"}, "`padding` must be .* received 'causal'"),
            ({"kernel_size": 3, "data_format": "x"}, "`data_format` of LocallyConnected2D .* 'x'"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                LocallyConnected2D(4, **options)
        with self.assertRaisesRegex(ValueError, "LocallyConnected1D 'line' reads .steps, channels"):
            LocallyConnected1D(4, 3, name="line").build((None, 5, 5, 2))
        with self.assertRaisesRegex(ValueError, r"'net': a window of \(7, 7\) does not fit"):
            LocallyConnected2D(4, 7, padding="valid", name="net").build((None, 5, 5, 2))

    def test_every_position_has_weights_of_its_own(self):
        layer = built(lambda: LocallyConnected2D(4, 3, 2), (7, 8, 2))
        self.assertEqual(layer.kernel.shape, (4 * 4, 4, 3 * 3 * 2))
        self.assertEqual(layer.bias.shape, (4, 4, 4))


def penalty_gradients(layer, x):
    """The gradients of ||d sum(layer(x)) / dx||^2 by x and by the kernel."""
    x, kernel = tf.constant(x), layer.kernel.value
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(layer(x))
        penalty = tf.reduce_sum(tf.square(inner.gradient(total, x)))
    return outer.gradient(penalty, [x, kernel])
