"""Which splits and features of a TFDS dataset are read."""

import dataclasses

import tensorflow_datasets as tfds


@dataclasses.dataclass(frozen=True)
class Selection:
    """What of a TFDS dataset is read.

    Args:
      train: The split to train on, as TFDS names one or a part of one, such as "train[:90%]".
      test: The split to test on; None is "test" or else "validation", of photographs the other way
        round: ImageNet's test split has no labels.
      image: The feature that holds the images.
      label: The feature that holds the class numbers.
    """

    train: str = "train"
    test: str | None = None
    image: str = "image"
    label: str = "label"

    def of(self, builder, likely: tuple[str, str]) -> "Selection":
        """This selection with a test split, checked against what the dataset has.

        Raises:
          ValueError: If a split or feature is not there.
        """
        there = builder.info.splits
        test = self.test or next((name for name in likely if name in there), likely[0])
        for setting, split in (("train_split", self.train), ("test_split", test)):
            _refuse_missing_split(builder, setting, split)
        features = builder.info.features
        for setting, feature, kind in (
            ("image_feature", self.image, tfds.features.Image),
            ("label_feature", self.label, tfds.features.ClassLabel),
        ):
            if feature not in features or not isinstance(features[feature], kind):
                raise ValueError(
                    f"data.load.{setting} must be a feature of {builder.info.full_name} that is "
                    f"of type {kind.__name__}, received {feature!r}; it has {_kinds(features)}"
                )
        return dataclasses.replace(self, test=test)

    def whole_splits(self, builder) -> list[str]:
        """The splits that it reads, or of which it reads parts."""
        parts = _parts(self.train, builder) + _parts(self.test, builder)
        return list(dict.fromkeys(part.splitname for part in parts))

    def train_range(self, builder) -> tuple[str, int, int]:
        """The split to train on, and where in it the part begins and ends.

        Raises:
          ValueError: If it is put together of several.
        """
        found = _parts(self.train, builder)
        if len(found) != 1:
            raise ValueError(
                f"data.load.train_split must be one split or a part of one, received {self.train!r}"
            )
        part, examples = found[0], builder.info.splits[found[0].splitname].num_examples
        return part.splitname, part.from_ or 0, examples if part.to is None else part.to


def _parts(spec, builder):
    return tfds.core.ReadInstruction.from_spec(spec).to_absolute(builder.info.splits)


def _refuse_missing_split(builder, setting, split):
    try:
        examples = builder.info.splits[split].num_examples
    except (LookupError, ValueError, AssertionError, TypeError) as error:
        raise ValueError(
            f"data.load.{setting} must be of {', '.join(builder.info.splits) or 'no split'}, or a "
            f"part such as 'train[:90%]', for {builder.info.full_name} has no others in "
            f"{builder.data_dir}; received {split!r}"
        ) from error
    if not examples:
        raise ValueError(f"data.load.{setting}: {split!r} of {builder.info.full_name} is empty")


def _kinds(features):
    return ", ".join(f"{name} ({type(one).__name__})" for name, one in features.items())
