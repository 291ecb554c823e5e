"""Lines for whoever started a command: printable, each on one line, and standard output may fail.

It imports the standard library alone: the report has no TensorFlow.
"""

import contextlib
import os
import signal
import sys

CANNOT_WRITE = 4
LONGEST, LONGEST_PART = 600, 300  # characters of a line, and of a path or a reason within one


def visible(text: object, longest: int = LONGEST_PART) -> str:
    """Text for one line: what would steer a terminal becomes an escape, the middle may go."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
    half = longest // 2 - 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"


def complain(program: str, message: object) -> None:
    """Prints what went wrong, in one line on standard error."""
    print(f"{program}: {visible(message, LONGEST)}", file=sys.stderr)


def put(text: str) -> None:
    """Prints a text at once; characters that standard output has no code for become escapes.

    Raises:
      OSError: If it cannot be written.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def forget_output() -> None:
    """Discards what standard output still holds, on which Python would fail at exit."""
    with contextlib.suppress(OSError, ValueError):  # it may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(text: str, failure: str = "tp-keras: cannot write") -> int:
    """Prints what a command was asked for; returns the exit status.

    Args:
      text: The text.
      failure: What the line on standard error says where it cannot be printed.
    """
    try:
        put(text)
    except OSError as error:
        forget_output()
        if isinstance(error, BrokenPipeError):  # behind `| head` other programs are silent too
            return 128 + signal.SIGPIPE
        print(f"{failure}: {error.strerror}", file=sys.stderr)
        return CANNOT_WRITE
    return 0
