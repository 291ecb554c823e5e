"""Kinds of values: what a setting may be, in words and as a test."""

import dataclasses
import os
from collections.abc import Callable

from tp_keras.scalars import is_real, is_whole, plain


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a setting may be.

    Args:
      words: That in words, as in "must be ...".
      allows: Whether a value is such.
    """

    words: str
    allows: Callable[[object], bool]


def whole(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`."""
    return Kind(f"a whole number from {low} to {high}", lambda v: is_whole(v) and low <= v <= high)


def number(low: float, high: float, above: bool = False, below: bool = False) -> Kind:
    """A number between two others, themselves left out where `above` or `below` says so."""
    start = f"above {low}" if above else f"from {low}"
    end = f"below {high}" if below else f"to {high}"

    def allows(value):
        if not is_real(value):
            return False
        value = plain(value)  # of NumPy's an end may be none
        return low <= value <= high and not (above and value == low) | (below and value == high)

    return Kind(f"a number {start} {'and ' * below}{end}", allows)


def one_of(*choices) -> Kind:
    """One of a few values."""
    words = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
    # True == 1 for Python
    return Kind(words, lambda v: any(type(plain(v)) is type(c) and v == c for c in choices))


def optional(kind: Kind) -> Kind:
    """What another kind allows, or None."""
    return Kind(f"{kind.words}, or None", lambda v: v is None or kind.allows(v))


def several(kind: Kind, what: str, example: str) -> Kind:
    """A list of what another kind allows."""

    def allows(value):
        return isinstance(value, list | tuple) and all(map(kind.allows, value))

    return Kind(f"a list of {what}, such as {example}", allows)


def domains(words: str, bounds: Callable[[str, object], bool]) -> Kind:
    """A search space: settings by name, each with what it is drawn from."""

    def allows(value):
        return isinstance(value, dict) and all(
            isinstance(name, str) and bounds(name, drawn) for name, drawn in value.items()
        )

    return Kind(f"a dictionary of known settings, {words}", allows)


def is_path(value) -> bool:
    """Whether a text can be a path on this machine."""
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > 4000:
        return False
    try:
        value.encode()  # TensorFlow takes no other names of files
    except UnicodeEncodeError:
        return False
    return not os.path.expanduser(value).startswith("~")  # a user whom nobody knows


GIVEN = Kind("left out, since the run itself sets it", lambda value: False)
FLAG = Kind("True or False", lambda value: isinstance(value, bool))
# When checkpoints are written, by the names that CheckpointPolicy has for it
CHECKPOINTS = {
    "steps": optional(whole(1, 10**12)),
    "minutes": number(0, 1e6, above=True),
    "keep": whole(1, 1000),
}
