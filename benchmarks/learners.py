"""What a training step costs under each rule, as a multiple of backpropagation's."""

import tensorflow as tf

from benchmarks import table3, timing

RULES = ["BP", "FA", "DFA", "DTP", "SDTP", "SDTP:linear", "AOSDTP:linear"]


def repeated(step, batch, steps):
    """Training steps in one graph, so that nothing but their arithmetic is timed."""

    @tf.function(autograph=False)
    def run():
        def body(i, _):
            return i + 1, step(batch)["loss"]

        return tf.while_loop(lambda i, _: i < steps, body, (0, 0.0))[1]

    return run.get_concrete_function()  # or TensorFlow warns: the same code, traced for every rule


def floor(network, batch, operations, transferred):
    """Seconds of a BP step whose products run at the peak, and whose Adam moves 28 bytes a weight.

    No weight is shared: each takes one multiplication an example forward, one for its gradient,
    and, above the first layer, one for the error below.
    """
    kernels = [layer.kernel.shape.num_elements() for layer in network.stack]
    products = 2 * batch * (3 * sum(kernels) - kernels[0])
    return products / operations + 28 * network.count_params() / transferred


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--problem", default="mnist_fc", help="a file of gin/problems")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=10, help="steps in one call")
    parser.add_argument("--rules", nargs="+", default=RULES)
    options = timing.arguments(parser)
    peaks = timing.describe_machine(options)
    batch = table3.batch(options.problem, options.batch)
    learners = {rule: table3.learner(rule, options.problem) for rule in options.rules}
    least = floor(learners[options.rules[0]].network, options.batch, *peaks)
    steps = {
        rule: repeated(learner.train_step, batch, options.steps)
        for rule, learner in learners.items()
    }
    times = timing.interleaved(steps, options)
    print(f"{options.problem} {options.batch} {'floor of BP':13} {least * 1e3:8.2f} ms")
    for rule in options.rules:
        milliseconds = times.median(rule) / options.steps * 1e3
        print(f"{options.problem} {options.batch} {rule:13} {milliseconds:8.2f} ms", end="  ")
        print(f"{times.ratio(rule, options.rules[0]):.2f} x {options.rules[0]}", end="  ")
        print(f"{milliseconds / 1e3 / least:.2f} x the floor of BP")


if __name__ == "__main__":
    main()
