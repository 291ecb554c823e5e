"""Angles between a trained rule's errors and backpropagation's, layer by layer.

python -m benchmarks.alignment --data_dir=DIR runs/mnist_lc_fa/0 runs/mnist_lc_kolen_pollack/0

Reads `operative.gin` and the last weights of every run folder, and prints a row of Markdown for
each: epochs, best and last test error in percent, then the mean angle in degrees over the
examples of one batch of the test set, by hidden layer.
"""

import argparse
import json
import pathlib

import gin
import tensorflow as tf

from tp_keras import data, learners
from tp_keras.data.base import Dataset
from tp_keras.diagnostics import angles, deltas
from tp_keras.experiment import cli


def learner_of(folder: pathlib.Path, dataset: Dataset) -> learners.Learner:
    """The learner of a run with the weights that it ended with; its gin must be parsed."""
    settings = gin.get_bindings(cli.train)
    model = settings["learner"](
        network=settings["network"](input_shape=dataset.input_shape, classes=dataset.classes),
        objective=settings["objective"](),
    )
    names = ("optimizer", "inverse_optimizer")
    model.compile(**{name: settings[name]() for name in names if settings.get(name)})
    model.load_weights(folder / "last.weights.h5")
    return model


def row(folder: pathlib.Path, data_dir: str | None, examples: int) -> str:
    """The line of one run."""
    gin.clear_config()
    gin.parse_config_file(str(folder / "operative.gin"))
    with gin.unlock_config():
        gin.bind_parameter("data.load.data_dir", data_dir)
    dataset = data.load()
    model = learner_of(folder, dataset)
    x, y = next(iter(dataset.test_batches().unbatch().batch(examples)))
    with tf.GradientTape(persistent=True) as tape:
        record = model.network.record(x, tape)
    backpropagated = learners.BP(model.network, model.objective)
    found = angles(*(deltas(record, rule.errors(record, y)) for rule in (model, backpropagated)))
    cells = ["-" if found[l] is None else f"{found[l]:.1f}" for l in range(1, model.depth)]
    result = json.loads((folder / "result.json").read_text())
    errors = [f"{result[name]:.2f}" for name in ("best_test_error", "final_test_error")]
    return f"| {' | '.join([result['method'], str(result['epochs']), *errors, *cells])} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--data_dir")
    parser.add_argument("--examples", type=int, default=1000)
    arguments = parser.parse_args()
    for folder in arguments.folders:
        print(row(folder, arguments.data_dir, arguments.examples), flush=True)


if __name__ == "__main__":
    main()
