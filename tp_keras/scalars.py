"""Numbers that somebody gives: whole or real, of Python or of NumPy; True is none."""

from numbers import Integral, Real

import numpy as np

NONE = (bool, np.timedelta64)  # integers to Python, and to NumPy
LARGEST = 1e30  # beyond it float32 soon has no number


def is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, NONE)


def is_real(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, NONE)


def plain(value):
    """A number as Python's own int or float, which gin, JSON and Keras write; all else as it is."""
    if is_whole(value):
        return int(value)
    return float(value) if is_real(value) else value


def whole(name: str, value, least: int | None = None) -> int:
    """Returns a whole number.

    Args:
      name: What the message calls it.
      value: The number.
      least: How small it may be; None is without end, on either side.

    Raises:
      ValueError: If it is none, or less than `least`, or no size of anything.
    """
    if not is_whole(value) or (least is not None and not least <= value <= LARGEST):
        least = "" if least is None else f" of at least {least}"
        raise ValueError(f"{name} must be a whole number{least}, received {value!r:.60}")
    return int(value)


def real(name: str, value, least: float) -> int | float:
    """Returns a real number; arguments as `whole` takes them.

    Raises:
      ValueError: If it is none, or not finite, or less than `least`.
    """
    if not is_real(value) or not least <= plain(value) <= LARGEST:
        raise ValueError(f"{name} must be a number of at least {least}, received {value!r:.60}")
    return plain(value)
