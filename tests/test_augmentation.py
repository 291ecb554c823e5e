"""Crops and mirror images."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import augmentation

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


class AugmentationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(padding=(0, 3), flip=augmentation.FLIPS)
    def test_crops_and_flips_are_those_of_a_loop(self, padding, flip):
        numbers = np.random.default_rng(1).random((len(IMAGES), 3))
        found = augmentation.crops_and_flips(IMAGES, numbers, padding, flip)
        self.assertEqual(found.dtype, tf.uint8)
        for image, n, crop in zip(IMAGES, numbers, found, strict=True):
            self.assertAllEqual(by_loop(image, n, padding, flip), crop)

    def test_every_window_and_both_mirrors_are_as_likely(self):
        numbers = augmentation.draws([3, 4], 20000).numpy()
        self.assertBetween(numbers.min(), 0, 0.001)
        self.assertBetween(numbers.max(), 0.999, np.nextafter(np.float32(1), np.float32(0)))
        rows = np.bincount((numbers[:, 0] * 9).astype(int), minlength=9)
        self.assertAllClose(rows / 20000, np.full(9, 1 / 9), atol=0.01)
        self.assertAllClose(np.corrcoef(numbers.T), np.eye(3), atol=0.03)

    def test_the_highest_number_stays_in_the_frame(self):
        numbers = np.full((len(IMAGES), 3), np.nextafter(np.float32(1), np.float32(0)))
        found = augmentation.crops_and_flips(IMAGES, numbers, 4, None)
        self.assertAllEqual(by_loop(IMAGES[0], numbers[0], 4, None), found[0])

    def test_random_windows_lie_in_the_image_and_have_inceptions_shapes(self):
        shape = tf.constant([90, 120, 3])
        windows = np.array([augmentation.random_window(shape, [1, i]) for i in range(300)])
        row, column, height, width = windows.T
        self.assertAllGreaterEqual(windows, 0)
        self.assertAllLessEqual(row + height, 90)
        self.assertAllLessEqual(column + width, 120)
        area, aspect = height * width / (90 * 120), width / height
        self.assertBetween(area.min(), 0.075, 0.2)  # rounding to pixels exceeds the range a little
        self.assertBetween(area.max(), 0.8, 1.0)
        self.assertBetween(aspect.min(), 0.72, 0.8)
        self.assertBetween(aspect.max(), 1.25, 1.37)

    def test_the_central_window_is_224_of_256_pixels_of_the_shorter_side(self):
        window = augmentation.central_window(tf.constant([256, 300, 3]))
        self.assertAllEqual([16, 38, 224, 224], window)
