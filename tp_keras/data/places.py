"""Finds a dataset near a folder that does not hold it."""

import pathlib

INFO = "dataset_info.json"  # in every folder of a version of a dataset


def hint(root: str, name: str, config: str | None, version: str) -> str | None:
    """Returns a line about a dataset that a folder does not hold, but something near it.

    Args:
      root: The folder of all datasets, as it was given.
      name, config, version: What is wanted of them.
    """
    folder = pathlib.Path(root).absolute()
    asked = f"{name}/{config}" if config else name
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
    return sorted(path.name for path in _folders(folder) if (path / INFO).is_file())


def _folders(folder):
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
