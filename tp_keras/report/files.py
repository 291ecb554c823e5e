"""Reads and writes in folders that others may have filled: follows no link, waits for no pipe."""

import contextlib
import os
import pathlib
import re
import secrets
import time

from tp_keras.lines import visible

NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows lacks both
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
OWN = secrets.token_hex(8)  # in the name of what this process writes, which nobody can guess
PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial")
STALE = 600.0  # seconds after which nobody writes a file any more


def read(path: pathlib.Path, most: int) -> bytes:
    """The content of a regular file.

    Raises:
      ValueError: If it is a link, no regular file, or longer than `most` bytes.
      OSError: If it cannot be read.
    """
    if path.is_symlink():
        raise ValueError("it is a link, and links are not followed")
    if not path.is_file():
        raise ValueError("it is not a regular file")
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_LINK | NO_WAIT)) as f:
        content = f.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is longer than {most:,} bytes")
    return content


def write(path: pathlib.Path, content: bytes) -> None:
    """Puts a file in place whole; what stood there, a link too, is replaced and not written to.

    Raises:
      OSError: If it cannot be written.
    """
    partial = path.with_name(f".{OWN}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK
    try:
        with open(partial, "wb", opener=lambda name, _: os.open(name, flags, 0o666)) as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partials(folder: pathlib.Path) -> None:
    """Removes files that this process was writing, and those that killed ones have left."""
    with contextlib.suppress(OSError):  # it may be gone, or of others
        for path in folder.iterdir():
            if PARTIAL.fullmatch(path.name) and (OWN in path.name or _is_stale(path)):
                path.unlink()


def _is_stale(path):
    return time.time() - path.lstat().st_mtime > STALE


def make_folder(path: pathlib.Path) -> None:
    """Makes a folder and those above it, or none of them.

    Raises:
      OSError: If one cannot be made, or `path` is a link or no folder.
    """
    if path.is_symlink():
        raise OSError("it is a link")
    made = []
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.is_dir():
                folder.mkdir()
                made.append(folder)
    except OSError:
        for folder in reversed(made):
            folder.rmdir()
        raise


def reason(error: BaseException) -> str:
    """What an error says, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return visible(text or type(error).__name__)
