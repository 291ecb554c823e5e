"""The table of layers: every geometry that the tests of all layers go through."""

import numpy as np

from tp_keras.layers import Conv2D, Dense, LocallyConnected1D, LocallyConnected2D

IMAGES = [(7, 8, 2), (6, 5, 3)]
# (kernel_size, strides): even kernels, strides above the kernel, a kernel wider than the image
WINDOWS = [(1, 1), (3, 1), (2, 1), (3, 2), (4, 3), (2, 3), (1, 2), (9, 2)]

# name -> (a function that makes the layer, shape of one input)
LAYERS = {
    "dense_on_units": (lambda **options: Dense(5, "tanh", **options), (11,)),
    "dense_on_image": (lambda **options: Dense(5, "tanh", **options), (3, 4, 2)),
    # its inverse's kernel is laid out (inputs, outputs), those above (outputs, inputs)
    "dense_on_512_units": (lambda **options: Dense(5, "tanh", **options), (512,)),
}


def _windowed(layer, size, strides):
    return lambda **options: layer(4, size, strides, "tanh", **options)


for _layer in (Conv2D, LocallyConnected2D):
    for _image in IMAGES:
        for _size, _strides in WINDOWS:
            _name = f"{_layer.__name__}_{_image[0]}x{_image[1]}_{_size}_stride_{_strides}".lower()
            LAYERS[_name] = (_windowed(_layer, _size, _strides), _image)

# Not in the paper: oblong windows, no padding, channels first, sequences, no bias
LAYERS |= {
    "conv2d_oblong_valid": (lambda **o: Conv2D(3, (3, 2), (2, 1), padding="valid", **o), (7, 6, 2)),
    "local_oblong": (lambda **o: LocallyConnected2D(3, (3, 2), (1, 2), "tanh", **o), (5, 6, 2)),
    "local_valid_skipping_pixels": (
        lambda **o: LocallyConnected2D(3, (3, 2), 3, padding="valid", **o),
        (8, 7, 2),
    ),
    "local_channels_first": (
        lambda **o: LocallyConnected2D(3, (3, 2), 2, data_format="channels_first", **o),
        (2, 5, 6),
    ),
    "local_1d": (lambda **o: LocallyConnected1D(3, 4, 2, "tanh", **o), (9, 2)),
    "local_1d_channels_first_valid": (
        lambda **o: LocallyConnected1D(
            3, 2, padding="valid", use_bias=False, data_format="channels_first", **o
        ),
        (2, 5),
    ),
}

NAMED_LAYERS = [(name, *row) for name, row in LAYERS.items()]
# One of each type, where the geometry does not matter
ONE_OF_EACH = [
    (name, *LAYERS[name])
    for name in (
        "dense_on_units",
        "dense_on_image",
        "conv2d_7x8_3_stride_2",
        "locallyconnected2d_7x8_3_stride_2",
    )
]
NAMED_WINDOWS = [
    (f"{i[0]}x{i[1]}_{size}_stride_{strides}", i, size, strides)
    for i in IMAGES
    for size, strides in WINDOWS
]


def built(make, in_shape, **options):
    layer = make(**options)
    layer.build((None, *in_shape))
    return layer


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
