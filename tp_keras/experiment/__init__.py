"""Experiments: runs that resume, log and write checkpoints, in Python or by gin."""

from tp_keras.experiment.resume import CheckpointPolicy
from tp_keras.experiment.runner import run

__all__ = ["CheckpointPolicy", "run"]
