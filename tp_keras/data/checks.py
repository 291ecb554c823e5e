"""What the settings of `data.load` may be, for whoever calls it from Python."""

from tp_keras.data.augmentation import FLIPS
from tp_keras.scalars import whole

SCALINGS = ("unit", "standardised")
LABELS = ("class", "image")
MOST_OF_NAME = 4000  # characters


def check_name(name) -> None:
    """Raises ValueError where a name of data is no text, or longer than a path may be."""
    if not isinstance(name, str) or not 0 < len(name) <= MOST_OF_NAME:
        raise ValueError(
            f"`name` must be text of at most {MOST_OF_NAME} characters, received {name!r:.60}"
        )


def check_numbers(batch_size, validation_examples, crop_padding, seed) -> None:
    """Raises ValueError where one of the numbers of `load` is no whole number."""
    whole("data.load.batch_size", batch_size)
    whole("data.load.validation_examples", validation_examples)
    whole("data.load.crop_padding", crop_padding)
    whole("data.load.seed", seed)


def check_settings(scaling, label, flip, crop_padding, image_size) -> None:
    """Raises ValueError where one of the settings of `load` is not among those allowed."""
    for setting, value, allowed in (
        ("scaling", scaling, SCALINGS),
        ("label", label, LABELS),
        ("flip", flip, FLIPS),
    ):
        if value not in allowed:
            raise ValueError(f"data.load.{setting} must be one of {allowed}, received {value!r}")
    if crop_padding < 0 or (crop_padding and image_size is not None):
        raise ValueError(
            "data.load.crop_padding must not be negative, and 0 beside an image_size, "
            f"received {crop_padding}"
        )


def check_sizes(examples, classes, validation_examples, common):
    """Raises ValueError where a dataset of so many training examples, or classes, is too small."""
    if common["label"] == "class" and classes < 2:
        raise ValueError(f"{common['name']} has a single class: there is nothing to learn")
    if not 0 <= validation_examples < examples:
        raise ValueError(
            f"data.load.validation_examples must lie between 0 and {examples - 1}, "
            f"received {validation_examples}"
        )
    rest = examples - validation_examples
    if not 1 <= common["batch_size"] <= rest:
        raise ValueError(
            f"data.load.batch_size must lie between 1 and the {rest} training examples "
            f"of {common['name']}, received {common['batch_size']}"
        )
