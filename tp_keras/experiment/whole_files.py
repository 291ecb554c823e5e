"""Files that are written whole or not at all, and never through what somebody else put there."""

import contextlib
import functools
import io
import os
import pathlib
import re
import secrets
import shutil

PARTIAL = re.compile(r"\.partial\.[0-9a-f]{16}\..+")


def partial_path(path: pathlib.Path) -> pathlib.Path:
    """Returns where to write what shall become `path`: a name that nobody can guess."""
    return path.with_name(f".partial.{secrets.token_hex(8)}.{path.name}")


def write_whole(path: pathlib.Path, save) -> None:
    """Writes a file by `save(partial path)`, then gives it its name.

    Weights of Keras are written through `HDF5File`.

    Raises:
      OSError: If it cannot be written; what was there before is left as it was.
    """
    partial = partial_path(path)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
        if path.name.endswith(".h5"):
            with HDF5File(partial) as file:
                save(file)
        else:
            save(partial)
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone
            partial.unlink(missing_ok=True)


def remove_partials(folder: pathlib.Path) -> None:
    """Removes what a killed process left of files that it was writing."""
    for path in folder.glob(".partial.*"):
        if PARTIAL.fullmatch(path.name) and not path.is_symlink():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class HDF5File(io.BytesIO):
    """A file for `h5py`, which sees every write succeed; an error is raised when all is written.

    Where a write fails, the HDF5 library crashes the interpreter as it closes the file.

    Args:
      path: The file, which exists.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path, self.error, self.position = path, None, 0
        self.file = open(path, "r+b", buffering=0)  # noqa: SIM115

    def __str__(self):
        return str(self.path)  # Keras reads the ending of the name

    def _try(self, operation, otherwise):
        if self.error is None:
            try:
                return operation()
            except OSError as error:
                self.error = error
        return otherwise

    def write(self, content):
        content = memoryview(content).cast("B")
        place, rest = self.position, content
        while self.error is None and rest:
            done = self._try(functools.partial(os.pwrite, self.file.fileno(), rest, place), 0)
            place, rest = place + done, rest[done:]
        self.position += len(content)
        return len(content)

    def readinto(self, buffer):
        wanted = len(buffer)
        found = self._try(lambda: os.pread(self.file.fileno(), wanted, self.position), b"")
        buffer[:] = found + bytes(wanted - len(found))
        self.position += wanted
        return wanted

    def read(self, size=-1):
        buffer = bytearray(max(self._size() - self.position, 0) if size < 0 else size)
        self.readinto(buffer)
        return bytes(buffer)

    def _size(self):
        return self._try(lambda: os.fstat(self.file.fileno()).st_size, 0)

    def seek(self, offset, whence=0):
        base = {0: 0, 1: self.position, 2: self._size()}[whence]
        self.position = base + offset
        return self.position

    def tell(self):
        return self.position

    def truncate(self, size=None):
        size = self.position if size is None else size
        self._try(lambda: self.file.truncate(size), None)
        return size

    def flush(self):
        pass

    def __exit__(self, *exception):
        self.file.close()
        super().__exit__(*exception)
        if self.error is not None:
            raise self.error
