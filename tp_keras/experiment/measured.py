"""What a run compares its epochs by: an error in percent, or a loss where nothing else is known."""

from collections.abc import Iterator

# Keras' names of what 100 % of less is an error rate; a dataset's labels are one-hot
ACCURACIES = ("accuracy", "acc", "categorical_accuracy", "binary_accuracy")


class Measured:
    """The error of an epoch's logs, and how a user reads it.

    Under an objective it is the objective's. Under a Keras loss it is what is missing from an
    accuracy to 100 %, where `compile` was given one of `ACCURACIES`, else the loss itself.

    Args:
      learner: A compiled `Learner`.

    Attributes:
      unit: What the error is: "%", "squared error" or "loss".
    """

    def __init__(self, learner):
        self.objective = learner.objective
        self.accuracy = None if self.objective else accuracy_of(learner)
        if self.objective:
            self.unit = self.objective.unit
        else:
            self.unit = "%" if self.accuracy else "loss"

    def error(self, logs: dict, part: str = "") -> float:
        """Returns the error of one part of the data: "", "test_" or "val_" in the logs' names."""
        if self.objective:
            return logs[f"{part}error"]
        if self.accuracy:
            return 100.0 * (1.0 - logs[f"{part}{self.accuracy}"])
        return logs[f"{part}loss"]

    def in_words(self, error: float) -> str:
        """Returns an error as text with its unit."""
        if self.objective:
            return self.objective.in_words(error)
        return f"error {error:.2f} %" if self.accuracy else f"loss {error:.4g}"


def accuracy_of(learner) -> str | None:
    """Returns the name of the first accuracy that `compile` was given, None without one."""
    config = learner.get_compile_config()
    names = _names([config.get("metrics"), config.get("weighted_metrics")])
    return next((name for name in names if name in ACCURACIES), None)


def _names(given) -> Iterator[str]:
    """Names of metrics as `compile` takes and Keras serializes them."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict) and "config" in given:
        yield from _names(given["config"]["name"] if isinstance(given["config"], dict) else None)
    elif isinstance(given, dict | list | tuple):
        for part in given.values() if isinstance(given, dict) else given:
            yield from _names(part)
