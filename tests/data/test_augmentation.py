"""Crops and mirror images."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.data import augmentation

IMAGES = np.random.default_rng(0).integers(1, 256, (9, 7, 5, 2), np.uint8)


def by_loop(image, numbers, padding, flip):
    """One image's crop, cell by cell: what lies outside the image is black."""
    height, width, _ = image.shape
    top, left = (int(n * (2 * padding + 1)) - padding for n in numbers[:2])
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row + top < height and 0 <= column + left < width:
                out[row, column] = image[row + top, column + left]
    if numbers[2] < 0.5 and flip == "left_right":
        out = np.fliplr(out)
    if numbers[2] < 0.5 and flip == "up_down":
        out = np.flipud(out)
    return out


def windows(height, width, count):
    """Random windows of that many keys, `(count, 4)`."""
    shape = tf.constant([height, width, 3])

    @tf.function
    def drawn():
        keys = tf.stack([tf.fill([count], 5), tf.range(count)], 1)
        return tf.map_fn(lambda key: augmentation.random_window(shape, key), keys)

    return drawn().numpy()


class AugmentationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(padding=(0, 3), flip=augmentation.FLIPS)
    def test_crops_and_flips_are_those_of_a_loop(self, padding, flip):
        numbers = np.random.default_rng(1).random((len(IMAGES), 3))
        found = augmentation.crops_and_flips(IMAGES, numbers, padding, flip)
        self.assertEqual(found.dtype, tf.uint8)
        for image, n, crop in zip(IMAGES, numbers, found, strict=True):
            self.assertAllEqual(by_loop(image, n, padding, flip), crop)

    def test_draws_are_uniform_and_uncorrelated(self):
        numbers = augmentation.draws([3, 4], 20000).numpy()
        self.assertBetween(numbers.min(), 0, 0.001)
        self.assertBetween(numbers.max(), 0.999, np.nextafter(np.float32(1), np.float32(0)))
        rows = np.bincount((numbers[:, 0] * 9).astype(int), minlength=9)
        self.assertAllClose(rows / 20000, np.full(9, 1 / 9), atol=0.01)
        self.assertAllClose(np.corrcoef(numbers.T), np.eye(3), atol=0.03)

    def test_the_largest_draw_gives_the_last_window(self):
        numbers = np.full((len(IMAGES), 3), np.nextafter(np.float32(1), np.float32(0)))
        found = augmentation.crops_and_flips(IMAGES, numbers, 4, None)
        self.assertAllEqual(by_loop(IMAGES[0], numbers[0], 4, None), found[0])

    # An area of 8 to 100 % fits into any image up to 4:3, into one of 16:9 up to 75 %
    @parameterized.parameters((900, 1200, 1.0), (1200, 900, 1.0), (900, 1600, 0.75))
    def test_the_area_of_random_windows_is_uniform_as_inceptions(self, height, width, largest):
        row, column, rows, columns = windows(height, width, 4000).T
        self.assertAllGreaterEqual(np.stack([row, column]), 0)
        self.assertAllLessEqual(row + rows, height)
        self.assertAllLessEqual(column + columns, width)
        area, aspect = rows * columns / (height * width), columns / rows
        self.assertBetween(area.min(), 0.0795, 0.082)  # rounded to pixels
        self.assertBetween(area.max(), 0.99 * largest, largest + 0.0005)
        self.assertBetween(aspect.min(), 0.748, 0.76)
        self.assertBetween(aspect.max(), 1.32, 1.336)
        # Kolmogorov and Smirnov: p = .001 at 1.95 / sqrt(4000)
        uniform = np.clip((np.sort(area) - 0.08) / (largest - 0.08), 0, 1)
        self.assertLess(np.abs(uniform - (np.arange(4000) + 0.5) / 4000).max(), 0.031)

    def test_positions_of_random_windows_are_uniform_and_uncorrelated(self):
        row, column, rows, columns = windows(900, 1200, 2000).T
        places = np.stack([row / np.maximum(900 - rows, 1), column / np.maximum(1200 - columns, 1)])
        self.assertAllClose(places.mean(1), [0.5, 0.5], atol=0.03)  # 4 deviations are .026
        self.assertAllClose(places.std(1), [12**-0.5] * 2, atol=0.02)
        self.assertAllClose(np.corrcoef(places), np.eye(2), atol=0.09)

    def test_a_photograph_too_narrow_for_a_window_gives_the_largest_that_fits(self):
        rows, columns = windows(10, 300, 50).T[2:]  # at 4:3 at most 4.4 % of its area
        self.assertAllEqual(rows, np.full(50, 10))
        self.assertAllEqual(columns, np.full(50, 13))
        self.assertAllEqual(windows(1, 1, 1), [[0, 0, 1, 1]])

    def test_the_central_window_is_224_of_256_pixels_of_the_shorter_side(self):
        window = augmentation.central_window(tf.constant([256, 300, 3]))
        self.assertAllEqual([16, 38, 224, 224], window)
