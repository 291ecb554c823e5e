"""Lines of output for the user of a run."""

import sys

from absl import logging


class Output:
    """Where a run's lines for the user go.

    Args:
      wanted: Whether there is any output.

    Attributes:
      shows_bar: Whether it goes to a terminal, where Keras can draw a progress bar.
    """

    def __init__(self, wanted: bool):
        self.wanted = wanted
        self.shows_bar = wanted and sys.stdout.isatty()

    def say(self, line: str) -> None:
        """Prints a line at once, or nothing."""
        if self.wanted:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def asked_for() -> bool:
    """Whether --verbosity asks for output."""
    return logging.get_verbosity() >= logging.INFO


def say(line: str) -> None:
    """Prints a line unless --verbosity asks for silence."""
    Output(asked_for()).say(line)
