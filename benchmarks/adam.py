"""What Adam costs per parameter, against TensorFlow's fused kernel and Keras' own Adam."""

import keras
import tensorflow as tf

from benchmarks import table3, timing
from tp_keras.optimizers import Adam


def stepping(optimizer, size):
    """A function that takes one step of an optimizer on a weight of `size` numbers."""
    weight, gradient = keras.Variable(tf.zeros(size)), tf.fill([size], 1e-3)
    optimizer.build([weight])

    @tf.function
    def step():
        optimizer.apply([gradient], [weight])
        return weight.value[0]

    return step


def kernel(size):
    """A function that calls TensorFlow's kernel and nothing else."""
    weight, m, v = (tf.Variable(tf.zeros(size)) for _ in range(3))
    gradient = tf.fill([size], 1e-3)

    @tf.function
    def step():
        tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=0.9,
            beta2_power=0.999,
            lr=1e-4,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-8,
            grad=gradient,
        )
        return weight[0]

    return step


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[2**16, 2**20, 2**24, 2**26])
    options = timing.arguments(parser)
    timing.describe_machine(options)
    for size in options.sizes:
        steps = {
            "ResourceApplyAdam": kernel(size),
            "ours": stepping(Adam(1e-4, **table3.ADAM), size),
            "Keras": stepping(keras.optimizers.Adam(1e-4, **table3.ADAM), size),
        }
        times = timing.interleaved(steps, options)
        for name in steps:
            nanoseconds = times.median(name) / size * 1e9
            ratio = times.ratio(name, "ResourceApplyAdam")
            print(
                f"{size:9} numbers  {name:17} {nanoseconds:6.2f} ns each  {ratio:.2f}", flush=True
            )


if __name__ == "__main__":
    main()
