"""Trains a learner from its newest checkpoint on, with all callbacks that log and save it."""

import math
import warnings

import keras

from tp_keras import feedback
from tp_keras.data.base import Dataset
from tp_keras.distribution.input import distribute_dataset
from tp_keras.experiment.bindings import hyperparameters
from tp_keras.experiment.callbacks import (
    BestWeightsCheckpoint,
    EpochCSVLogger,
    TerminateOnDivergence,
)
from tp_keras.experiment.checkpoints import Checkpoints
from tp_keras.experiment.console import Output
from tp_keras.experiment.measured import Measured
from tp_keras.experiment.preemption import Preemption
from tp_keras.experiment.progress import ProgressBar, ProgressLines
from tp_keras.experiment.reconstructions import Reconstructions
from tp_keras.experiment.resume import BackupAndResume, CheckpointPolicy
from tp_keras.experiment.run_directory import RunDirectory
from tp_keras.experiment.tensorboard import TensorBoardLogger


def fit(
    folder: RunDirectory,
    settings: str,
    dataset: Dataset,
    learner: keras.Model,
    schedule: keras.callbacks.Callback | None,
    others: list[keras.callbacks.Callback],
    epochs: int,
    policy: CheckpointPolicy,
    measured: Measured,
    output: Output,
) -> list[dict]:
    """Trains a learner up to `epochs`, from the newest checkpoint in the folder if there is one.

    Args:
      folder: The run's folder.
      settings: The text of all settings, for TensorBoard.
      dataset: What the learner learns.
      learner: The `Learner`, compiled.
      schedule: The callback that sets the phases of each epoch, or None.
      others: Further callbacks, which come before the one that saves.
      epochs: Epochs in all.
      policy: When to write checkpoints.
      measured: What the epochs are compared by.
      output: Where lines for the user, and the progress bar, go.

    Returns:
      The rows of `epochs.csv`, all epochs.
    """
    test = distribute_dataset(learner.distribute_strategy, dataset.test_batches)
    log, preemption = EpochCSVLogger(folder, test, measured, epochs, output.say), Preemption()
    checkpoints = Checkpoints(folder, learner, policy.keep)
    saving = BackupAndResume(checkpoints, log, preemption, dataset, policy, others)
    best = BestWeightsCheckpoint(folder, log)
    callbacks = [*([schedule] if schedule else []), log, TerminateOnDivergence(), best]
    if output.shows_bar:
        callbacks += [ProgressBar(dataset.steps_per_epoch, epochs, measured, output.overwrite)]
    else:
        callbacks += [ProgressLines(dataset.steps_per_epoch, epochs, measured, output.say)]
    if folder.writes:
        hparams = hyperparameters(settings)
        callbacks += [TensorBoardLogger(folder, settings, hparams, measured.unit)]
    callbacks += [other for other in others if folder.writes or not hasattr(other, "set_run")]
    if folder.writes and dataset.label == "image":
        callbacks += [Reconstructions(folder, dataset.test_batches())]
    for line in opening_lines(learner, dataset, folder.path):
        output.say(line)
    # Keras does not know the length of a dataset that is distributed, and warns at its end
    warnings.filterwarnings("ignore", "Your input ran out of data")
    learner.stop_training = False
    with preemption.watched():
        start = saving.restore(learner, output.say)
        best.restore(learner, start[1], output.say)
        if start[1]:  # the metrics of `compile` have no variables to restore before a first batch
            learner.evaluate(test, steps=1, verbose=0)
        for segment in segments(*start, epochs):
            if learner.stop_training:
                break
            try:
                train_segment(learner, dataset, [*callbacks, saving], *segment)
            finally:
                output.clear()
    return log.rows


def segments(first_epoch: int, first_step: int, epochs: int) -> list[tuple[int, int, int]]:
    """Splits a run into calls of `Model.fit`, all of whose epochs are equally long.

    Returns:
      `(epoch, step, epochs)` each: where to begin, and the epoch to end before.
    """
    rest_of_epoch = [(first_epoch, first_step, first_epoch + 1)] if first_step else []
    return rest_of_epoch + [(first_epoch + len(rest_of_epoch), 0, epochs)]


def train_segment(learner, dataset, callbacks, epoch, step, epochs):
    devices, held_out = learner.distribute_strategy, None
    if dataset.validation_batches() is not None:
        held_out = distribute_dataset(devices, dataset.validation_batches)

    def batches(shard):
        return dataset.training_batches(epoch, step, shard=shard)

    learner.fit(
        distribute_dataset(devices, batches),
        steps_per_epoch=dataset.steps_per_epoch - step,
        validation_data=held_out,
        initial_epoch=epoch,
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,  # the batches come shuffled
        verbose=0,
    )


def opening_lines(learner: keras.Model, dataset: Dataset, path) -> list[str]:
    """Returns the lines that begin a run: its size, its folder, and what an epoch leaves out."""
    converted = feedback.converted(learner.network)
    backward = sum(math.prod(B.shape) for f in converted for B in f.feedback)
    forward = learner.network.count_params() - backward
    others = learner.count_params() - forward
    weights = f"{forward:,} forward weights" + (f" and {others:,} backward ones" if others else "")
    replicas = learner.distribute_strategy.num_replicas_in_sync
    lines = [f"{weights}, {replicas} replica(s) -> {path}"]
    if dataset.skipped_examples:
        lines.append(
            f"each epoch leaves out {dataset.skipped_examples} of {dataset.train_examples} "
            "training examples, others each time: data.load.drop_remainder"
        )
    return lines
