"""Patches of an image batch, batch innermost, and their adjoint."""

import numpy as np
import tensorflow as tf


class Patches:
    """The patches that a SAME-padded convolution reads.

    Each of `extract` and `fold` is the gradient of the other, so that neither direction ever
    generates a scatter, whatever the order of differentiation.

    Args:
      in_shape: `(height, width, channels)` of one image.
      kernel_size: Side of the square patch in pixels.
      strides: Step between neighbouring patches in pixels.

    Attributes:
      positions: Number of patches in an image.
      size: Numbers in a patch, kernel_size^2 * channels.
    """

    def __init__(self, in_shape, kernel_size, strides):
        *self.sides, self.channels = in_shape
        self.kernel_size, self.strides = kernel_size, strides
        self.grid = [-(-side // strides) for side in self.sides]
        # SAME: an odd row or column of padding goes to the end, as in TensorFlow
        needed = [
            max((n - 1) * strides + kernel_size - side, 0)
            for n, side in zip(self.grid, self.sides, strict=True)
        ]
        self.padding = [(total // 2, total - total // 2) for total in needed]
        self.positions = self.grid[0] * self.grid[1]
        self.size = kernel_size**2 * self.channels
        self.rows = self._rows()

    def _rows(self):
        """Row of the padded image for each number of each patch, `(positions * k * k,)`."""
        padded_width = self.sides[1] + sum(self.padding[1])
        tops, lefts = (np.arange(n) * self.strides for n in self.grid)
        offsets = np.arange(self.kernel_size)
        rows = tops[:, None, None, None] + offsets[:, None]
        columns = lefts[:, None, None] + offsets
        return (rows * padded_width + columns).reshape(-1).astype(np.int32)

    def extract(self, h):
        """Returns the patches of `h`, `(positions, size, batch)`.

        Args:
          h: Images, `(batch, height, width, channels)`.
        """

        @tf.custom_gradient
        def extract(h):
            batch = tf.shape(h)[0]
            pixels = tf.pad(tf.transpose(h, (1, 2, 3, 0)), [*self.padding, (0, 0), (0, 0)])
            pixels = tf.reshape(pixels, (-1, self.channels * batch))
            patches = tf.reshape(tf.gather(pixels, self.rows), (self.positions, self.size, batch))
            return patches, self.fold

        return extract(h)

    def fold(self, patches):
        """Adds every patch back where it was taken from, the adjoint of `extract`.

        Args:
          patches: `(positions, size, batch)`.

        Returns:
          Images, `(batch, height, width, channels)`.
        """

        @tf.custom_gradient
        def fold(patches):
            (top, _), (left, _) = self.padding
            height, width = self.sides
            image = self._add_shifted(patches)[top : top + height, left : left + width]
            return tf.transpose(image, (3, 0, 1, 2)), self.extract

        return fold(patches)

    def _add_shifted(self, patches):
        """Sums the k * k shifted images that a patch's numbers form, padding included."""
        k, s = self.kernel_size, self.strides
        last = -(-k // s) - 1  # number i of a patch's row lies i // s patches further on
        batch = tf.shape(patches)[2]
        patches = tf.reshape(patches, (*self.grid, k, k, self.channels, batch))
        rows, columns = (n + last for n in self.grid)

        def shift(i):
            return i // s, last - i // s

        def every_sth_pixel(row, column):
            shifted = [
                tf.pad(patches[:, :, i, j], [shift(i), shift(j), (0, 0), (0, 0)])
                for i in range(row, k, s)
                for j in range(column, k, s)
            ]
            zeros = tf.zeros((rows, columns, self.channels, batch), patches.dtype)
            return tf.add_n(shifted or [zeros])

        image = [tf.stack([every_sth_pixel(i, j) for j in range(s)], 2) for i in range(s)]
        return tf.reshape(tf.stack(image, 1), (rows * s, columns * s, self.channels, batch))
