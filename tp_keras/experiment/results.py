"""The outcome of a run: `result.json`, the weights, and the lines that end it."""

from collections.abc import Sequence

import keras

import tp_keras
from tp_keras.distribution.input import distribute_dataset
from tp_keras.experiment import checkpoint_files
from tp_keras.experiment.complete import damaged_files
from tp_keras.experiment.run_directory import RunDirectory


def finished_result(
    folder: RunDirectory, epochs: int, say, others: Sequence[str] = ()
) -> dict | None:
    """Returns the result of a run that has had its epochs already, None where there is more to do.

    Args:
      folder: The run's folder.
      epochs: Epochs to train in all.
      say: Called with a line for the user.
      others: Names of what this run writes beside what all runs do.

    Raises:
      ValueError: If epochs are missing and there is no checkpoint to resume from.
    """
    resumable = checkpoint_files.prefixes(folder.path / "checkpoints")
    try:
        result = folder.read_json("result.json")
    except ValueError:
        if not resumable:
            raise
        result = None  # it is written again
    done = result["epochs"] if result else 0
    if not done:
        return None
    if max(done, result.get("asked_epochs", 0)) >= epochs:  # a callback may have ended it before
        damaged = damaged_files(folder, done, others)
        again = bool(resumable) and done >= epochs
        if damaged:
            what = "written again from the newest checkpoint" if again else "left as it is"
            say(f"missing or damaged: {', '.join(damaged)}; {what}")
        if damaged and again:
            return None
        say(f"already complete, {done} epochs; a larger --epochs continues it")
        return result
    if not resumable:
        raise ValueError(
            f"--run_dir holds a complete run of {done} epochs and no checkpoint to continue from: "
            f"{folder.path}; choose another folder"
        )
    return None


def write_results(folder: RunDirectory, learner, dataset, schedule, about, rows, measured) -> dict:
    """Writes weights, network and `result.json`; returns the latter's content.

    Args:
      folder: The run's folder.
      learner: The trained `Learner`.
      dataset: What it learned.
      schedule: The callback that sets the phases, or None.
      about: Architecture, seed, and the epochs asked for, by name.
      rows: The rows of `epochs.csv`.
      measured: What the epochs are compared by.
    """
    result = {
        "dataset": dataset.name,
        "architecture": about["architecture"],
        "method": method(type(learner)),
        "schedule": type(schedule).__name__.lower() if schedule else "",
        "seed": about["seed"],
        "train_examples": dataset.train_examples,
        "asked_epochs": about["asked_epochs"],
        "skipped_examples_per_epoch": dataset.skipped_examples,
        **({"broken_photographs": len(dataset.broken)} if dataset.broken else {}),
        "errors_are": measured.unit,
        **summarize(rows),
        **({"measured_train_error": train_error(learner, dataset, measured)} if rows else {}),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "version": tp_keras.__version__,
    }
    folder.write_with("last.weights.h5", learner.save_weights)
    folder.write_with("network.keras", learner.network.save)
    folder.write_json("result.json", result)
    return result


def train_error(learner, dataset, measured) -> float:
    """Returns the training set's error at the last weights, on images that are not augmented.

    What an epoch reports is a mean over weights that move.
    """
    batches = distribute_dataset(learner.distribute_strategy, dataset.unaugmented_batches)
    return round(measured.error(learner.evaluate(batches, verbose=0, return_dict=True)), 5)


def summarize(rows: list[dict]) -> dict:
    """Returns a run's numbers from its epochs; None where there is no epoch."""
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


def closing_lines(result: dict, in_words, paper_error: float | None) -> list[str]:
    """Returns the lines that end a run, the paper's error beside the test error where given."""
    if not result["epochs"]:
        return []
    paper = f"  (paper, 500 epochs: {paper_error:.2f} %)" if paper_error is not None else ""
    which = f"best of {result['epochs']} epochs, epoch {result['best_epoch']}"
    at_the_end = result.get("measured_train_error", result["final_train_error"])
    lines = [
        f"train {in_words(at_the_end)}",
        f"test {in_words(result['best_test_error'])}{paper}  {which}",
    ]
    if "best_test_top5_error" in result:
        lines.append(f"test top-5 error {result['best_test_top5_error']:.2f} %  the best of epochs")
    if "chosen_epoch" in result:
        chosen = in_words(result["chosen_test_error"])
        lines.append(
            f"test {chosen}  at epoch {result['chosen_epoch']}, the best on held-out examples"
        )
    if broken := result.get("broken_photographs"):
        lines.append(f"{broken} photographs could not be decoded and were skipped")
    return lines


def method(rule: type) -> str:
    """Returns the name that `@rule` gave the class, or without one its registered name."""
    own = vars(rule).get("rule_name")  # not that of a class it derives from
    return own or keras.saving.get_registered_name(rule).rpartition(">")[2]
