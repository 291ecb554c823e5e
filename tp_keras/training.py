"""One run: from settings to data, learner, fit and record."""

import sys
import time
from collections.abc import Callable, Sequence

import gin
import keras
from absl import logging

import tp_keras
from tp_keras import bindings, data
from tp_keras.dataset import Dataset
from tp_keras.reconstructions import Reconstructions
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
    callbacks: Sequence[Callable] = (),
) -> dict:
    """Trains one network by one rule and writes its run folder.

    Args:
      run_dir: The run's folder.
      architecture: Name of the network for the record: "fc", "lc", "conv" or "autoencoder".
      network: Builder, called with `input_shape` and `classes`.
      objective: Factory of what the output learns.
      learner: Factory of the rule, called with `network` and `objective`.
      optimizer: Factory of the forward weights' optimizer.
      epochs: Epochs to train in all.
      seed: Seed of the initial weights.
      inverse_optimizer: Factory of the inverses' optimizer, for rules that have inverses.
      schedule: Factory of the callback that says when inverses learn, or None.
      paper_error: The paper's test error for this cell in percent, to show beside ours.
      steps_per_execution: Training steps in one call.
      jit_compile: Whether XLA compiles the step.
      callbacks: Factories of further callbacks, called with `dataset` and `run_dir`: `Diagnostics`.

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
    if inverse_optimizer is not None:
        optimizers["inverse_optimizer"] = inverse_optimizer()
    model.compile(**optimizers, steps_per_execution=steps_per_execution, jit_compile=jit_compile)
    schedule = schedule() if schedule else None
    others = [make(dataset=dataset, run_dir=run_dir) for make in callbacks]
    operative = gin.operative_config_str()
    refuse_unused(operative)
    folder = RunFolder(run_dir, operative)

    log = EpochLog(folder, dataset.validation_batches(), quiet if show_bar() else say)
    callbacks = [schedule] if schedule else []
    callbacks += [StopOnDivergence(), log, *recorders(folder, operative, dataset), *others]
    say(f"{method(model)} on {dataset.name} {architecture}, {weight_count(model)} -> {run_dir}")
    model.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,  # the batches come shuffled
        verbose=int(show_bar()),
    )
    model.save_weights(folder.path / "last.weights.h5")
    model.network.save(folder.path / "network.keras")
    result = {
        "dataset": dataset.name,
        "architecture": architecture,
        "method": method(model),
        "schedule": type(schedule).__name__.lower() if schedule else "",
        "seed": seed,
        "train_examples": dataset.train_examples,
        **summary(log.rows),
        "seconds": round(time.perf_counter() - started, 1),
        "version": tp_keras.__version__,
    }
    folder.write_json("result.json", result)
    report(result, model.objective, paper_error, run_dir)
    return result


def refuse_unused(operative: str) -> None:
    """Raises ValueError where a binding has no effect on this run: most often a mistake."""
    names = bindings.unused(gin.config_str(), operative)
    if names:
        raise ValueError(f"no part of this run reads the binding {names[0]}; leave it out")


def recorders(folder: RunFolder, operative: str, dataset: Dataset) -> list:
    """Callbacks that keep the best weights, TensorBoard's events and reconstructed images."""
    best = keras.callbacks.ModelCheckpoint(
        str(folder.path / "best.weights.h5"),
        monitor="val_error",
        mode="min",
        save_best_only=True,
        save_weights_only=True,
    )
    hparams = bindings.hyperparameters(operative)
    images = dataset.test_batches() if dataset.label == "image" else None
    return [
        best,
        EventLog(folder.path / "tensorboard", operative, hparams),
        *([Reconstructions(folder, images)] if images else []),
    ]


def summary(rows: list[dict]) -> dict:
    """The numbers of a run from its epochs; errors in percent, None where there is no epoch."""
    best = min(rows, key=lambda row: row["test_error"], default={})
    last = rows[-1] if rows else {}
    top5 = [row["test_top5_error"] for row in rows if "test_top5_error" in row]
    return {
        "epochs": len(rows),
        "best_test_error": best.get("test_error"),
        "final_test_error": last.get("test_error"),
        "final_train_error": last.get("train_error"),
        "best_epoch": best.get("epoch"),
        **({"best_test_top5_error": min(top5)} if top5 else {}),
    }


def report(result: dict, objective, paper_error: float | None, run_dir: str) -> None:
    """Says how the run ended, beside the paper's number where there is one."""
    if result["epochs"]:
        paper = f"  (paper, 500 epochs: {paper_error:.2f} %)" if paper_error is not None else ""
        best, epoch = result["best_test_error"], result["best_epoch"]
        say(f"train {objective.in_words(result['final_train_error'])}")
        which = f"best of {result['epochs']} epochs, epoch {epoch}"
        say(f"test {objective.in_words(best)}{paper}  {which}")
    say(f"run folder {run_dir}")


def method(model: keras.Model) -> str:
    """The rule's name as rows of Table 1 have it: the name of its module."""
    return type(model).__module__.rpartition(".")[2]


def weight_count(model: keras.Model) -> str:
    """How many weights learn, in words."""
    forward = model.network.count_params()
    others = model.count_params() - forward
    return f"{forward:,} forward weights" + (f" and {others:,} backward ones" if others else "")


def show_bar() -> bool:
    """Whether somebody watches: a progress bar is for a terminal, lines are for a log."""
    return sys.stdout.isatty() and logging.get_verbosity() >= logging.INFO


def say(line: str) -> None:
    """Prints a line for the user, unless --verbosity asks for silence."""
    if logging.get_verbosity() >= logging.INFO:
        print(line, flush=True)


def quiet(line: str) -> None:
    """Takes a line and keeps it to itself."""
