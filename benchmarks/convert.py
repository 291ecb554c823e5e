"""What a training step of a converted Keras model costs, as a multiple of the stock model's.

`python -m benchmarks.convert --network=resnet20` and `--network=vgg`.
"""

import keras
import numpy as np
import tensorflow as tf

from benchmarks import timing
from tp_keras import architectures, convert

RULES = ["bp", "fa", "sign_symmetry", "kolen_pollack", "weight_mirror", "dfa"]
NETWORKS = {"resnet20": architectures.resnet20, "vgg": architectures.vgg}
SHAPE, CLASSES = (32, 32, 3), 10


def step(model, x, y):
    """A function that takes one stock training step of a compiled model."""
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    return lambda: tf.constant(model.train_on_batch(x, y))


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="resnet20")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rules", nargs="+", default=RULES)
    options = timing.arguments(parser)
    timing.describe_machine(options)
    random = np.random.default_rng(0)
    x = random.normal(size=(options.batch, *SHAPE)).astype("float32")
    y = random.integers(0, CLASSES, options.batch)
    keras.utils.set_random_seed(0)
    stock = NETWORKS[options.network](SHAPE, CLASSES)
    models = {"stock": stock} | {rule: convert(stock, rule) for rule in options.rules}
    times = timing.interleaved({name: step(m, x, y) for name, m in models.items()}, options)
    for name in models:
        print(
            f"{options.network} {options.batch} {name:14} {times.median(name) * 1e3:8.1f} ms  "
            f"{times.ratio(name, 'stock'):.3f} x stock"
        )


if __name__ == "__main__":
    main()
