"""Patches of an image batch, batch innermost, and their adjoint."""

import numpy as np
import tensorflow as tf


class Patches:
    """The patches that a convolution reads.

    Each of `extract` and `fold` is the gradient of the other, so that neither direction ever
    generates a scatter, whatever the order of differentiation.

    Args:
      in_shape: `(height, width, channels)` of one image.
      kernel_size: Height and width of a patch in pixels.
      strides: Step between neighbouring patches in pixels, down and to the right.
      padding: "same", zeros around the image as TensorFlow adds them, or "valid", none.

    Attributes:
      positions: Number of patches in an image.
      size: Numbers in a patch, height * width * channels.
    """

    def __init__(self, in_shape, kernel_size, strides, padding):
        *self.sides, self.channels = in_shape
        self.kernel_size, self.strides = kernel_size, strides
        axes = list(zip(self.sides, kernel_size, strides, strict=True))
        if padding == "same":
            self.grid = [-(-side // step) for side, _, step in axes]
        else:
            self.grid = [(side - size) // step + 1 for side, size, step in axes]
        # An odd row or column of padding goes to the end, as in TensorFlow
        needed = [
            max((n - 1) * step + size - side, 0)
            for n, (side, size, step) in zip(self.grid, axes, strict=True)
        ]
        self.padding = [(total // 2, total - total // 2) for total in needed]
        self.positions = self.grid[0] * self.grid[1]
        self.size = kernel_size[0] * kernel_size[1] * self.channels
        self.rows = self._rows()

    def _rows(self):
        """Row of the padded image for each number of each patch, `(positions * patch,)`."""
        padded_width = self.sides[1] + sum(self.padding[1])
        tops, lefts = (np.arange(n) * step for n, step in zip(self.grid, self.strides, strict=True))
        down, right = (np.arange(size) for size in self.kernel_size)
        rows = tops[:, None, None, None] + down[:, None]
        columns = lefts[:, None, None] + right
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
            # Where windows skip pixels at the end, nothing is added to those
            short = [(0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0), (0, 0)]
            image = tf.pad(image, short) if any(sum(short, ())) else image
            return tf.transpose(image, (3, 0, 1, 2)), self.extract

        return fold(patches)

    def _add_shifted(self, patches):
        """Sums the shifted images that a patch's numbers form, padding included."""
        (k, k_), (s, s_) = self.kernel_size, self.strides
        # Number i of a patch's row lies i // s patches further on
        last, last_ = -(-k // s) - 1, -(-k_ // s_) - 1
        batch = tf.shape(patches)[2]
        patches = tf.reshape(patches, (*self.grid, k, k_, self.channels, batch))
        rows, columns = self.grid[0] + last, self.grid[1] + last_

        def every_sth_pixel(row, column):
            down = [(i // s, last - i // s) for i in range(row, k, s)]
            right = [(j // s_, last_ - j // s_) for j in range(column, k_, s_)]
            shifted = [
                tf.pad(patches[:, :, row + i * s, column + j * s_], [d, r, (0, 0), (0, 0)])
                for i, d in enumerate(down)
                for j, r in enumerate(right)
            ]
            zeros = tf.zeros((rows, columns, self.channels, batch), patches.dtype)
            return tf.add_n(shifted or [zeros])

        image = [tf.stack([every_sth_pixel(i, j) for j in range(s_)], 2) for i in range(s)]
        return tf.reshape(tf.stack(image, 1), (rows * s, columns * s_, self.channels, batch))
