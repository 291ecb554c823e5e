"""Builds dataset, devices, learner and optimizers of one run by gin's settings, and runs it."""

import math
from collections.abc import Callable, Sequence

import gin
import keras
import tensorflow as tf

import tp_keras
from tp_keras import data, keys
from tp_keras.distribution import strategy as strategies
from tp_keras.experiment import (
    bindings,
    console,
    registered,  # noqa: F401, it registers what gin can name
)
from tp_keras.experiment.resume import CheckpointPolicy
from tp_keras.experiment.runner import run

# What one worker may be started with and another not
OF_A_WORKER = ("train.run_dir", "train.strategy", "train.wait_minutes", "load.data_dir")
SEED = "{seed}"  # stands for the seed in a run folder's name
# Training and test examples and image shape of the paper's data, under the names of TFDS
PAPER_DATA = {
    "mnist": (60_000, 10_000, (28, 28, 1)),
    "cifar10": (50_000, 10_000, (32, 32, 3)),
    "imagenet2012": (1_281_167, 50_000, (224, 224, 3)),
}


@gin.configurable(module="tp_keras.training")
def train(
    run_dir: str,
    architecture: str,
    network,
    objective,
    learner,
    optimizer,
    epochs: int,
    seed: int,
    inverse_optimizer=None,
    schedule=None,
    paper_error: float | None = None,
    paper_dataset: str | None = None,
    steps_per_execution: int = 1,
    jit_compile: bool = False,
    callbacks: Sequence[Callable] = (),
    strategy: str = "auto",
    num_devices: int | None = None,
    deterministic: bool = False,
    checkpoint_steps: int | None = None,
    checkpoint_minutes: float = 10.0,
    keep_checkpoints: int = 2,
    wait_minutes: float = 15.0,
) -> dict:
    """Trains one network by one rule; the parameters are settings of an experiment file.

    Args:
      run_dir: The run's folder; "{seed}" in it stands for the seed.
      architecture: Name of the network for the record: "fc", "lc" or "conv".
      network: Builder, called with `input_shape` and `classes`.
      objective: Factory of what the output learns.
      learner: Factory of the rule, called with `network` and `objective`.
      optimizer: Factory of the forward weights' optimizer, called in gin's scope "forward".
      epochs: Epochs to train in all.
      seed: Seed of the initial weights.
      inverse_optimizer: Factory of the inverses' optimizer, for rules that have inverses, called in
        gin's scope "inverse".
      schedule: Factory of the callback that sets the phases of each epoch, or None.
      paper_error: The paper's test error for this cell in percent, to print beside ours where the
        run is on the paper's data.
      paper_dataset: The name in TFDS of the data that `paper_error` is of.
      steps_per_execution: Training steps in one call.
      jit_compile: Whether XLA compiles the step.
      callbacks: Factories of further callbacks: `Diagnostics`, Keras' `EarlyStopping` and
        `ReduceLROnPlateau`; see `run`.
      strategy: Which devices train, see `strategies.create`.
      num_devices: How many devices of this machine; None is all GPUs, or the CPU in one piece.
      deterministic: Whether operations must give the same bits each time, also where that is slow.
      checkpoint_steps: Steps between two checkpoints within an epoch; None leaves it to the clock.
      checkpoint_minutes: Minutes between two checkpoints within an epoch.
      keep_checkpoints: How many of the newest checkpoints are kept.
      wait_minutes: How long to wait for the other workers, where there are several.

    Returns:
      The content of `result.json`.

    Raises:
      ValueError: If a setting is out of range or the run folder cannot be used.
      Diverged, Preempted, CannotWrite: As `run` does.
    """
    if epochs < 0:
        raise ValueError(f"--epochs must not be negative, received {epochs}")
    policy = CheckpointPolicy(checkpoint_steps, checkpoint_minutes, keep_checkpoints)
    same, say = same_for_all_workers(epochs), console.say
    devices = strategies.create(strategy, num_devices, deterministic, same, wait_minutes, say)
    keras.utils.set_random_seed(keys.integer(seed, "weights"))
    dataset = load_data(strategies.is_chief(devices))
    with devices.scope():
        model = learner(
            network=network(input_shape=dataset.input_shape, classes=dataset.classes),
            objective=objective(),
        )
        check_output(model.network, dataset)
        model.compile(
            **make_optimizers(optimizer, inverse_optimizer),
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )
    schedule = schedule() if schedule else None
    callbacks = [make() for make in callbacks]
    operative = gin.operative_config_str()
    return run(
        dataset,
        model,
        run_dir.replace(SEED, str(seed)),
        epochs,
        schedule,
        callbacks,
        policy,
        seed=seed,
        architecture=architecture,
        settings=operative,
        paper_error=paper_error if is_paper_data(dataset, paper_dataset) else None,
        restore_weights=False,  # the learner ends here
        verbose=console.asked_for(),
    )


def same_for_all_workers(epochs: int) -> dict[str, str]:
    """Returns what all workers of a run must have been started with, by name."""
    bound = bindings.parse_bindings(gin.config_str())
    same = {name: value for name, value in bound.items() if not name.endswith(OF_A_WORKER)}
    versions = {"tp_keras": tp_keras.__version__, "tensorflow": tf.__version__}
    return {**same, **versions, "train.epochs": str(epochs)}


def load_data(announced: bool):
    """Loads the dataset of gin's settings, which may take minutes, after a line that names it."""
    if announced:
        console.say(f"reading {gin.get_bindings(data.load).get('name', 'data')}")
    return data.load()


def check_output(network, dataset) -> None:
    """Raises ValueError where a network's output is not as wide as what there is to learn."""
    found = math.prod(network.shapes[network.depth])
    wanted = math.prod(dataset.input_shape) if dataset.label == "image" else dataset.classes
    if found != wanted:
        raise ValueError(
            f"data.load.label = {dataset.label!r} needs a network of {wanted} outputs, received "
            f"{found}: train.network must be @build to learn classes, @autoencoder to learn images"
        )


def make_optimizers(optimizer, inverse_optimizer) -> dict:
    """Returns the arguments of `compile`, each optimizer made in gin's scope of its own."""
    with gin.config_scope("forward"):
        made = {"optimizer": optimizer()}
    if inverse_optimizer:
        with gin.config_scope("inverse"):
            made["inverse_optimizer"] = inverse_optimizer()
    return made


def is_paper_data(dataset, paper_dataset: str | None) -> bool:
    """Whether a run is on all of the data, at the size, that the paper's number is of.

    Examples that are held out count, as they do in the report.
    """
    train_examples, test_examples, *held_out = dataset.sizes()
    found = (train_examples + sum(held_out), test_examples, tuple(dataset.input_shape))
    name = dataset.name.partition(":")[0]
    return name == paper_dataset and found == PAPER_DATA.get(name)
