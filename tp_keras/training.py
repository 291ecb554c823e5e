"""One run: from settings to data, learner, fit and record."""

import sys
import time

import gin
import keras
from absl import logging

import tp_keras
from tp_keras import data
from tp_keras.recording import EpochLog, EventLog, StopOnDivergence
from tp_keras.run_folder import RunFolder


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
    steps_per_execution: int = 1,
    jit_compile: bool = False,
) -> dict:
    """Trains one network by one rule and writes its run folder.

    Args:
      run_dir: The run's folder.
      architecture: Name of the network for the record: "fc", "lc" or "conv".
      network: Builder, called with `input_shape` and `classes`.
      objective: Factory of what the output learns.
      learner: Factory of the rule, called with `network` and `objective`.
      optimizer: Factory of the forward weights' optimizer.
      epochs: Epochs to train in all.
      seed: Seed of the initial weights; data order and noise have their own bindings.
      inverse_optimizer: Factory of the inverses' optimizer, for rules that have inverses.
      schedule: Callback that switches between forward and inverse learning, or None.
      paper_error: The paper's test error for this cell in percent, to show beside ours.
      steps_per_execution: Training steps in one call.
      jit_compile: Whether XLA compiles the step.

    Returns:
      The content of `result.json`.

    Raises:
      ValueError: If a setting is out of range or the run folder cannot be used.
      Diverged: If the numbers run away; the folder is kept.
    """
    if epochs < 0:
        raise ValueError(f"--epochs must not be negative, received {epochs}")
    started = time.perf_counter()
    keras.utils.set_random_seed(seed)
    dataset = data.load()
    model = learner(
        network=network(input_shape=dataset.input_shape, classes=dataset.classes),
        objective=objective(),
    )
    optimizers = {"optimizer": optimizer()}
    if hasattr(model, "inverse_weights"):
        optimizers["inverse_optimizer"] = inverse_optimizer()
    model.compile(**optimizers, steps_per_execution=steps_per_execution, jit_compile=jit_compile)
    operative = gin.operative_config_str()
    folder = RunFolder(run_dir, operative)
    log = EpochLog(folder, dataset.validation_batches(), say if not show_bar() else quiet)
    monitor = "val_error"
    callbacks = [
        *([schedule] if schedule else []),
        StopOnDivergence(),
        log,
        EventLog(folder.path / "tensorboard", operative, hparams(operative)),
        keras.callbacks.ModelCheckpoint(
            str(folder.path / "best.weights.h5"),
            monitor=monitor,
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        ),
    ]
    say(f"{model.name} on {dataset.name}, {architecture}: {count(model):,} weights -> {run_dir}")
    model.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=epochs,
        callbacks=callbacks,
        verbose=int(show_bar()),
    )
    return {}


def say(line):
    if logging.get_verbosity() >= logging.INFO:
        print(line, flush=True)
