"""Lines of output for the user of a run."""

import shutil
import sys

from absl import logging

from tp_keras.lines import put

CLEAR = "\r\033[K"  # back to the start of the line, and nothing after it


class Output:
    """Where a run's lines for the user go.

    Args:
      wanted: Whether there is any output.

    Attributes:
      shows_bar: Whether it goes to a terminal, where a line can be written over.
    """

    def __init__(self, wanted: bool):
        self.wanted = wanted
        self.shows_bar = wanted and sys.stdout.isatty()

    def say(self, line: str) -> None:
        """Prints a line at once, or nothing."""
        if self.wanted:
            self.clear()
            put(line)

    def overwrite(self, line: str) -> None:
        """Prints a line that the next one takes the place of; only where `shows_bar`."""
        width = shutil.get_terminal_size().columns - 1
        print(f"{CLEAR}{line[:width]}", end="", flush=True)

    def clear(self) -> None:
        """Takes away what `overwrite` has printed."""
        if self.shows_bar:
            print(CLEAR, end="", flush=True)


def asked_for() -> bool:
    """Whether --verbosity asks for output."""
    return logging.get_verbosity() >= logging.INFO


def say(line: str) -> None:
    """Prints a line unless --verbosity asks for silence."""
    Output(asked_for()).say(line)
