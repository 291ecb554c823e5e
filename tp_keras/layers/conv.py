"""The convolution with shared weights, for the ConvNet twins of Table 3."""

import math

import keras
import tensorflow as tf

from tp_keras.layers.affine import Affine
from tp_keras.scalars import is_whole, whole

DATA_FORMATS = ("channels_last", "channels_first")


@keras.saving.register_keras_serializable(package="tp_keras")
class Conv2D(Affine):
    """Convolution.

    Input `(batch, height, width, channels)`, output `(batch, rows, columns, filters)`, where rows
    are ceil(height / strides) under "same" padding, ceil((height - kernel_size + 1) / strides)
    under "valid"; kernel `(rows, columns of the window, channels, filters)`.

    Args:
      filters: Number of output channels, positive.
      kernel_size: Height and width of the window in pixels, positive; an integer is both.
      strides: Step between neighbouring outputs in pixels, positive; an integer is both.
      activation: The nonlinearity sigma.
      padding: "same" or "valid".
      data_format: "channels_last"; None is Keras' image data format.
      **options: What every `Affine` takes: `use_bias`, initializers, regularizers, constraints.

    Raises:
      ValueError: If a size is not positive, `padding` or `data_format` is none of these, or the
        input is not `(height, width, channels)`.
    """

    formats = ("channels_last",)

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        activation=None,
        *,
        padding="same",
        data_format=None,
        **options,
    ):
        super().__init__(activation, **options)
        self.filters = whole("`filters`", filters, 1)
        if padding not in ("same", "valid"):
            raise ValueError(f"`padding` must be 'same' or 'valid', received {padding!r}")
        data_format = data_format or keras.config.image_data_format()
        if data_format not in self.formats:
            raise ValueError(
                f"`data_format` of {type(self).__name__} must be one of {self.formats}, received "
                f"{data_format!r}"
            )
        self.padding, self.data_format = padding, data_format
        self.kernel_size = self.sizes(kernel_size, "kernel_size")
        self.strides = self.sizes(strides, "strides")

    def sizes(self, value, argument):
        """A size along each axis, of an integer or of one for each."""
        values = tuple(value) if isinstance(value, tuple | list) else (value, value)
        if len(values) != 2 or not all(is_whole(n) and n >= 1 for n in values):
            raise ValueError(
                f"`{argument}` must be a whole number of at least 1, or two, received {value!r:.60}"
            )
        return tuple(map(int, values))

    def wire(self, in_shape):
        if len(in_shape) != 3:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} reads (height, width, channels), received "
                f"{tuple(in_shape)}"
            )
        *sides, channels = self.channels_last(in_shape)
        rows, columns = (self.outputs(*sizes) for sizes in zip(sides, *self.window, strict=True))
        if rows < 1 or columns < 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: a window of {self.kernel_size} does not fit "
                f"into images of {tuple(sides)} under 'valid' padding"
            )
        self.in_shape, self.grid = tuple(in_shape), (rows, columns)
        self.out_shape = self.own_format((rows, columns, self.filters))
        size, _ = self.window
        self.kernel_shape, self.bias_shape = (*size, channels, self.filters), (self.filters,)
        # Glorot's as Keras counts them where weights are shared: by the kernel, not by the strides
        self.fans = (math.prod(size) * channels, math.prod(size) * self.filters)

    @property
    def window(self):
        """Size and step of the window along rows and columns."""
        return self.kernel_size, self.strides

    def outputs(self, side, kernel_size, stride):
        """Outputs along an axis."""
        return -(-(side if self.padding == "same" else side - kernel_size + 1) // stride)

    def channels_last(self, shape):
        """A shape of this layer's data format, channels last."""
        return tuple(shape) if self.data_format == "channels_last" else (*shape[1:], shape[0])

    def own_format(self, shape):
        """A shape with channels last in this layer's data format."""
        return tuple(shape) if self.data_format == "channels_last" else (shape[-1], *shape[:-1])

    def linear(self, h, kernel):
        strides = self.strides
        if self.kernel_size == (1, 1):  # the gradient of one with strides: layers/onednn.py
            h, strides = h[:, :: strides[0], :: strides[1]], 1
        return tf.nn.conv2d(h, kernel, strides, self.padding.upper())

    def get_config(self):
        names = ("filters", "kernel_size", "strides", "padding", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
