"""Locally connected layers against the machine's peak and against the other implementations.

The column `tf_keras` needs that package, which must never be installed beside this one
(docs/performance.md): run with a scratch environment's interpreter to have it.
"""

import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import table3, timing
from tp_keras.layers import LocallyConnected2D, Transpose

try:
    import tf_keras
except ImportError:
    tf_keras = None


class ByEinsum:
    """The layer by TensorFlow's `extract_patches` and an einsum."""

    def __init__(self, layer):
        rows, columns, filters = layer.out_shape
        self.window = [1, *layer.kernel_size, 1]
        self.step = [1, *layer.strides, 1]
        shape = (rows, columns, layer.kernel_shape[-1], filters)
        self.kernel = tf.Variable(tf.random.normal(shape) / 30)
        self.bias = tf.Variable(tf.zeros(layer.out_shape))

    def __call__(self, h):
        patches = tf.image.extract_patches(h, self.window, self.step, [1, 1, 1, 1], "SAME")
        return tf.einsum("bijp,ijpf->bijf", patches, self.kernel) + self.bias


class ByTFKeras:
    """tf_keras' first implementation, which knows no SAME padding: padded by hand."""

    def __init__(self, layer):
        self.layer = tf_keras.layers.LocallyConnected2D(
            layer.filters, layer.kernel_size, layer.strides, implementation=1
        )
        self.padding = [(0, 0), *layer.patches.padding, (0, 0)]
        height, width, channels = layer.in_shape
        (top, bottom), (left, right) = layer.patches.padding
        self.layer.build((None, height + top + bottom, width + left + right, channels))
        self.kernel = self.layer.kernel

    def __call__(self, h):
        return self.layer(tf.pad(h, self.padding))


def forward(layer, h):
    return tf.function(lambda: tf.reshape(layer(h), (-1,))[0])


def with_gradients(layer, h):
    """Output, and both gradients of its product with an error."""
    kernel = layer.kernel.value if isinstance(layer.kernel, keras.Variable) else layer.kernel
    delta = tf.random.normal(layer(h).shape)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch(h)
            a = layer(h)
        found = [a, *tape.gradient(a, [h, kernel], output_gradients=delta)]
        return tf.add_n([tf.reshape(x, (-1,))[0] for x in found])

    return run


def candidates(layer, size):
    """Every implementation, forward alone (F) and with both gradients (F+G)."""
    h = tf.random.normal((size, *layer.in_shape))
    back = Transpose(layer, use_bias=True)
    back.build((None, *layer.out_shape))
    y = tf.random.normal((size, *layer.out_shape))
    found = {"ours F": forward(layer, h), "ours F+G": with_gradients(layer, h)}
    found["transpose F+G"] = with_gradients(back, y)
    found["einsum F+G"] = with_gradients(ByEinsum(layer), h)
    if tf_keras:
        found["tf_keras F+G"] = with_gradients(ByTFKeras(layer), h)
    return found


def measure(number, geometry, options, totals):
    """Prints one layer's line, and adds its times to `totals`."""
    in_shape, size, filters, strides = geometry
    started = time.process_time()
    layer = LocallyConnected2D(filters, size, strides)
    layer.build((None, *in_shape))
    built = time.process_time() - started
    found = {**candidates(layer, options.batch), "product": timing.machine()["product"]}
    times = timing.interleaved(found, options)
    operations = 2 * np.prod(layer.kernel_shape) * options.batch
    peak = timing.PRODUCT / times.median("product")
    line = [f"layer {number}: built {built:.2f} s"]
    for name, parts in {"ours F": 1, "ours F+G": 3, "transpose F+G": 3}.items():
        share = parts * operations / times.median(name) / peak
        line.append(f"{name} {times.median(name) * 1e3:.1f} ms = {share:.2f} of peak")
    for name in found:
        totals[name] = totals.get(name, 0) + times.median(name)
        if name.endswith("+G") and name != "ours F+G":
            line.append(f"/ {name} {times.ratio('ours F+G', name):.2f}")
    print(", ".join(line), flush=True)


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--problem", default="cifar10_lc", help="a file of gin/problems")
    parser.add_argument("--batch", type=int, default=128)
    options = timing.arguments(parser)
    timing.describe_machine(options)
    if not tf_keras:
        print("tf_keras is not installed: its column is left out")
    totals = {}
    print(f"{options.problem}, batch {options.batch}; F: forward, F+G: with both gradients")
    for number, geometry in enumerate(table3.local_layers(options.problem), start=1):
        measure(number, geometry, options, totals)
    ratios = [
        f"/ {name} {totals['ours F+G'] / total:.2f}"
        for name, total in totals.items()
        if name.endswith("+G") and name != "ours F+G"
    ]
    print(f"sum of layers: ours F+G {totals['ours F+G'] * 1e3:.0f} ms,", ", ".join(ratios))


if __name__ == "__main__":
    main()
