"""Folders of TFDS datasets: what describes a dataset in one, and what lies near it."""

import pathlib
import re

INFO = "dataset_info.json"  # in every folder of a version of a dataset
VERSION = re.compile(r"\d+\.\d+\.\d+")
REMEDY = "copy that file again, or remove {folder} and prepare it anew"


def descriptions(root: pathlib.Path, name: str, suffix: str = INFO) -> list[pathlib.Path]:
    """The files of a suffix that describe a dataset in a folder of datasets, in all versions."""
    try:
        folder = root / re.match(r"\w+", name)[0]
        return [f for depth in ("*", "*/*") for f in sorted(folder.glob(f"{depth}/*{suffix}"))]
    except (OSError, TypeError):  # no such folder; no such name
        return []


def refuse_endless(root: pathlib.Path, name: str) -> None:
    """Raises ValueError where a file that describes a dataset is a pipe or a device."""
    for file in descriptions(root, name, ".json") + descriptions(root, name, ".txt"):
        if file.exists() and not (file.is_file() or file.is_dir()):
            remedy = REMEDY.format(folder=file.parent)
            raise ValueError(f"{file} cannot be read (it is a pipe or the like); {remedy}")


def hint(root: str, name: str, config: str | None, version: str) -> str | None:
    """Returns a line about a dataset that a folder does not hold, but something near it.

    Args:
      root: The folder of all datasets, as it was given.
      name, config, version: What is wanted of them.
    """
    folder = pathlib.Path(root).absolute()
    asked = f"{name}/{config}" if config else name
    place = folder / asked / version
    if place.is_dir():
        return f"{place} has no {INFO}: copy it there, or remove that folder and prepare it anew"
    found = versions(folder / asked)
    if found:
        return (
            f"{asked} in {folder} is of version {', '.join(found)} and {version} is wanted: read "
            f"it by data.load.name = '{asked}:{found[-1]}', or prepare {version} anew"
        )
    for place in (folder.parent, *folder.parents[1:3], *_folders(folder)):
        if versions(place / asked):
            return (
                f"--data_dir must be the folder that holds {name}/, received {folder}: "
                f"{place} holds it"
            )
    return None


def versions(folder: pathlib.Path) -> list[str]:
    """The versions of a dataset that are ready in its folder, the newest last."""
    found = [path.name for path in _folders(folder) if (path / INFO).is_file()]
    return sorted(filter(VERSION.fullmatch, found), key=lambda name: [*map(int, name.split("."))])


def _folders(folder):
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
