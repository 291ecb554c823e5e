"""What `fit` costs: over the bare step, over plain Keras, and against rules run eagerly."""

import keras
import tensorflow as tf

from benchmarks import table3, timing
from benchmarks.learners import repeated
from tp_keras.optimizers import Adam

PROBLEM, RULES, EAGER_STEPS = "mnist_fc", ("BP", "SDTP"), 5


def keras_adam():
    return keras.optimizers.Adam(1e-4, **table3.ADAM)


def sequential(adam, **options):
    """The same network in plain Keras."""
    (shape, classes), (_, dense) = table3.EXAMPLES["mnist"], table3.rows(PROBLEM)
    layers = [keras.Input(shape), keras.layers.Flatten()]
    layers += [keras.layers.Dense(units, "tanh") for units in dense]
    model = keras.Sequential([*layers, keras.layers.Dense(classes, "softmax")])
    model.compile(adam, "categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def fitted(model, batch, steps):
    """A function that fits a model on one batch, again and again."""
    data = tf.data.Dataset.from_tensors(batch).repeat()

    def fit():
        history = model.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0)
        return tf.constant(history.history["loss"][-1])

    return fit


def candidates(batch, steps):
    many = {"steps_per_execution": 50}
    found = {
        "Sequential, Keras' Adam": fitted(sequential(keras_adam(), **many), batch, steps),
        "Sequential, our Adam": fitted(sequential(Adam(1e-4, **table3.ADAM), **many), batch, steps),
    }
    for rule in RULES:
        step = table3.learner(rule, PROBLEM).train_step
        eager = table3.learner(rule, PROBLEM, keras_adam, run_eagerly=True)
        found |= {
            f"{rule} bare step": repeated(step, batch, steps),
            f"{rule} fit, 50 steps a call": fitted(
                table3.learner(rule, PROBLEM, **many), batch, steps
            ),
            f"{rule} fit, 1 step a call": fitted(table3.learner(rule, PROBLEM), batch, steps),
            f"{rule} fit, eagerly": fitted(eager, batch, EAGER_STEPS),
        }
    return found


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=100, help="steps in one call of fit")
    options = timing.arguments(parser)
    timing.describe_machine(options)
    found = candidates(table3.batch(PROBLEM, options.batch), options.steps)
    times = timing.interleaved(found, options)
    for name in found:
        base = f"{name.split()[0]} bare step" if "fit" in name else "BP fit, 50 steps a call"
        steps, base_steps = (
            EAGER_STEPS if "eagerly" in one else options.steps for one in (name, base)
        )
        milliseconds = times.median(name) / steps * 1e3
        ratio = times.ratio(name, base) * base_steps / steps
        print(f"{name:26} {milliseconds:6.2f} ms a step  {ratio:.2f} x {base}")


if __name__ == "__main__":
    main()
