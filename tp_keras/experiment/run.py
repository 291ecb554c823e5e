"""One run: from settings to data, learner, fit and record."""

import math
import os
from collections.abc import Callable, Sequence

import gin
import keras
import tensorflow as tf

import tp_keras
from tp_keras import data, keys
from tp_keras.distribution import strategy as strategies
from tp_keras.distribution.input import distribute_dataset
from tp_keras.experiment import bindings, checkpoint_files
from tp_keras.experiment.complete import damaged_files
from tp_keras.experiment.console import quiet, say
from tp_keras.experiment.fit import fit
from tp_keras.experiment.resume import Pace
from tp_keras.experiment.run_directory import RunFolder
from tp_keras.experiment.shared_folder import open_run_folder

# What one worker may be started with and another not
OF_A_WORKER = ("train.run_dir", "train.strategy", "train.wait_minutes", "load.data_dir")

for callback in (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau):
    gin.external_configurable(callback, module="keras.callbacks")


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
    strategy: str = "auto",
    num_devices: int | None = None,
    deterministic: bool = False,
    checkpoint_steps: int | None = None,
    checkpoint_minutes: float = 10.0,
    keep_checkpoints: int = 2,
    wait_minutes: float = 15.0,
) -> dict:
    """Trains one network by one rule and writes its run folder; goes on with what it finds there.

    Args:
      run_dir: The run's folder.
      architecture: Name of the network for the record: "fc", "lc" or "conv".
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
      callbacks: Factories of further callbacks: `Diagnostics`, Keras' `EarlyStopping` and
        `ReduceLROnPlateau`. Where examples are held out `val_error` is theirs, and `test_error` the
        test set's. One that has `set_run` is given the dataset and the `RunFolder`.
      strategy: Which devices train, see `strategies.create`.
      num_devices: How many devices of this machine; None is all GPUs, or the CPU in one piece.
      deterministic: Whether operations must give the same bits each time, also where that is slow.
      checkpoint_steps: Steps between two checkpoints within an epoch; None leaves it to the clock.
      checkpoint_minutes: Minutes between two checkpoints within an epoch.
      keep_checkpoints: How many of the newest checkpoints stay.
      wait_minutes: How long to wait for the other workers, where there are several.

    Returns:
      The content of `result.json`.

    Raises:
      ValueError: If a setting is out of range or the run folder cannot be used.
      Diverged: If the numbers run away; the folder is kept.
      Preempted: If SIGTERM came; the folder holds a checkpoint.
      CannotWrite: If the folder could be written and no longer can.
    """
    if epochs < 0:
        raise ValueError(f"--epochs must not be negative, received {epochs}")
    run_dir = os.path.expanduser(run_dir)
    pace = Pace(checkpoint_steps, checkpoint_minutes, keep_checkpoints)
    same = same_for_all_workers(epochs)
    devices = strategies.create(strategy, num_devices, deterministic, same, wait_minutes, say)
    keras.utils.set_random_seed(keys.integer(seed, "weights"))
    dataset = data.load()
    strategies.refuse_unfit(devices, dataset, jit_compile)
    options = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
    with devices.scope():
        model = learner(
            network=network(input_shape=dataset.input_shape, classes=dataset.classes),
            objective=objective(),
        )
        check_output(model.network, dataset)
        model.compile(**optimizers(optimizer, inverse_optimizer), **options)
    schedule = schedule() if schedule else None
    if hasattr(schedule, "check"):
        schedule.check(model)  # before anything is written
    others = [make() for make in callbacks]
    for callback in others:
        prepare(callback)
    operative = gin.operative_config_str()
    with open_run_folder(run_dir, operative, devices) as folder:
        for callback in (c for c in others if hasattr(c, "set_run")):
            callback.set_run(dataset, folder)
        result = finished(folder, epochs)
        if result is None:
            with dataset.naming_damage():
                log = fit(model, dataset, schedule, others, folder, operative, epochs, pace)
                about = {"architecture": architecture, "seed": seed, "asked": epochs}
                result = conclude(folder, model, dataset, schedule, about, log.rows)
        if folder.writes:
            report(result, model.objective, paper_error, run_dir)
    return result


def check_output(network, dataset) -> None:
    """Raises ValueError where a network's output is not as wide as what there is to learn."""
    found = math.prod(network.f[network.depth].out_shape)
    wanted = math.prod(dataset.input_shape) if dataset.label == "image" else dataset.classes
    if found != wanted:
        raise ValueError(
            f"data.load.label = {dataset.label!r} needs a network of {wanted} outputs, received "
            f"{found}: train.network must be @build to learn classes, @autoencoder to learn images"
        )


def same_for_all_workers(epochs: int) -> dict[str, str]:
    """Returns what all workers of a run must have been started with, by name."""
    bound = bindings.bindings(gin.config_str())
    same = {name: value for name, value in bound.items() if not name.endswith(OF_A_WORKER)}
    versions = {"tp_keras": tp_keras.__version__, "tensorflow": tf.__version__}
    return {**same, **versions, "train.epochs": str(epochs)}


def prepare(callback) -> None:
    """Sets how a callback compares what it watches.

    Raises:
      ValueError: If it could not be resumed.
    """
    if getattr(callback, "restore_best_weights", False):
        raise ValueError(
            f"{type(callback).__name__}.restore_best_weights cannot be True: a run that is resumed "
            "has no such weights; best.weights.h5 of the run folder holds them"
        )
    if getattr(callback, "mode", None) == "auto":
        callback.mode = "min"  # all that a run measures is a loss or an error


def optimizers(optimizer, inverse_optimizer) -> dict:
    """The optimizers that a rule is compiled with, made where they will be used."""
    forward = {"optimizer": optimizer()}
    return forward | ({"inverse_optimizer": inverse_optimizer()} if inverse_optimizer else {})


def finished(folder: RunFolder, epochs: int) -> dict | None:
    """The result of a run that has had its epochs already, None where there is more to do.

    Raises:
      ValueError: If epochs are missing and there is no checkpoint to go on from.
    """
    resumable = checkpoint_files.prefixes(folder.path / "checkpoints")
    try:
        result = folder.read_json("result.json")
    except ValueError:
        if not resumable:
            raise
        result = None  # the run is concluded again
    done = result["epochs"] if result else 0
    if not done:
        return None
    tell = say if folder.writes else quiet
    if max(done, result.get("asked_epochs", 0)) >= epochs:  # a callback may have ended it before
        damaged = damaged_files(folder, done)
        again = bool(resumable) and done >= epochs
        if damaged:
            what = "written again from the newest checkpoint" if again else "left as it is"
            tell(f"missing or damaged: {', '.join(damaged)}; {what}")
        if damaged and again:
            return None
        tell(f"already complete, {done} epochs; a larger --epochs continues it")
        return result
    if not resumable:
        raise ValueError(
            f"--run_dir holds a complete run of {done} epochs and no checkpoint to continue from: "
            f"{folder.path}; choose another folder"
        )
    return None


def conclude(folder: RunFolder, model, dataset, schedule, about: dict, rows: list[dict]) -> dict:
    """Writes weights, network and `result.json`; returns the latter's content."""
    result = {
        "dataset": dataset.name,
        "architecture": about["architecture"],
        "method": method(model),
        "schedule": type(schedule).__name__.lower() if schedule else "",
        "seed": about["seed"],
        "train_examples": dataset.train_examples,
        "asked_epochs": about["asked"],
        "skipped_examples_per_epoch": dataset.skipped_examples,
        **summary(rows),
        **({"measured_train_error": measured_train_error(model, dataset)} if rows else {}),
        **({"broken_photographs": len(dataset.broken)} if dataset.broken else {}),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "version": tp_keras.__version__,
    }
    folder.write_with("last.weights.h5", model.save_weights)
    folder.write_with("network.keras", model.network.save)
    folder.write_json("result.json", result)
    return result


def measured_train_error(model, dataset) -> float:
    """The training set's error at the last weights, on images that are not augmented.

    What an epoch reports is a mean over weights that move.
    """
    batches = distribute_dataset(model.distribute_strategy, dataset.unaugmented_batches)
    return round(model.evaluate(batches, verbose=0, return_dict=True)["error"], 5)


def summary(rows: list[dict]) -> dict:
    """The numbers of a run from its epochs; errors in percent, None where there is no epoch."""
    best = min(rows, key=lambda row: row["test_error"], default={})
    last = rows[-1] if rows else {}
    held_out = [row for row in rows if "validation_error" in row]
    chosen = min(held_out, key=lambda row: row["validation_error"], default={})
    top5 = [row["test_top5_error"] for row in rows if "test_top5_error" in row]
    return {
        "epochs": len(rows),
        "best_test_error": best.get("test_error"),
        "final_test_error": last.get("test_error"),
        "final_train_error": last.get("train_error"),
        "best_epoch": best.get("epoch"),
        **({"best_test_top5_error": min(top5)} if top5 else {}),
        **(
            {
                "best_validation_error": chosen["validation_error"],
                "chosen_epoch": chosen["epoch"],
                "chosen_test_error": chosen["test_error"],
            }
            if chosen
            else {}
        ),
    }


def report(result: dict, objective, paper_error: float | None, run_dir: str) -> None:
    """Says how the run ended, beside the paper's number where there is one."""
    if result["epochs"]:
        paper = f"  (paper, 500 epochs: {paper_error:.2f} %)" if paper_error is not None else ""
        best, epoch = result["best_test_error"], result["best_epoch"]
        at_the_end = result.get("measured_train_error", result["final_train_error"])
        say(f"train {objective.in_words(at_the_end)}")
        which = f"best of {result['epochs']} epochs, epoch {epoch}"
        say(f"test {objective.in_words(best)}{paper}  {which}")
        if "chosen_epoch" in result:
            chosen = objective.in_words(result["chosen_test_error"])
            say(f"test {chosen}  at epoch {result['chosen_epoch']}, the best on held-out examples")
    if broken := result.get("broken_photographs"):
        say(f"{broken} photographs could not be decoded and were skipped")
    say(f"run folder {run_dir}")


def method(model: keras.Model) -> str:
    """The rule's name as rows of Table 1 have it: the name of its module."""
    return type(model).__module__.rpartition(".")[2]
