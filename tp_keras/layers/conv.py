"""The convolution with shared weights, for the ConvNet twins of Table 3."""

import keras
import tensorflow as tf

from tp_keras.layers.affine import Affine


@keras.saving.register_keras_serializable(package="tp_keras")
class Conv2D(Affine):
    """Convolution with SAME padding.

    Input `(batch, height, width, channels)`, output `(batch, ceil(height / strides),
    ceil(width / strides), filters)`; kernel `(kernel_size, kernel_size, channels, filters)`.

    Args:
      filters: Number of output channels, positive.
      kernel_size: Side of the square kernel in pixels, positive.
      strides: Step between neighbouring outputs in pixels, positive.
      activation: The nonlinearity sigma.

    Raises:
      ValueError: If a size is not positive, or the input is not `(height, width, channels)`.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        activation=None,
        *,
        trainable=True,
        dtype=None,
        name=None,
    ):
        super().__init__(activation, trainable=trainable, dtype=dtype, name=name)
        sizes = {"filters": filters, "kernel_size": kernel_size, "strides": strides}
        for argument, size in sizes.items():
            if size < 1:
                raise ValueError(f"`{argument}` must be at least 1, received {size}")
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def wire(self, in_shape):
        if len(in_shape) != 3:
            raise ValueError(
                f"{type(self).__name__} reads (height, width, channels), received {in_shape}"
            )
        height, width, channels = in_shape
        self.in_shape = tuple(in_shape)
        self.out_shape = (-(-height // self.strides), -(-width // self.strides), self.filters)
        self.kernel_shape = (self.kernel_size, self.kernel_size, channels, self.filters)
        self.bias_shape = (self.filters,)
        # Glorot's as Keras counts them where weights are shared: by the kernel, not by the strides
        self.fans = (self.kernel_size**2 * channels, self.kernel_size**2 * self.filters)

    def linear(self, h, kernel):
        return tf.nn.conv2d(h, kernel, self.strides, "SAME")

    def get_config(self):
        config = super().get_config()
        sizes = {k: getattr(self, k) for k in ("filters", "kernel_size", "strides")}
        return {**config, **sizes}
