"""A lock over processes and hosts."""

import fcntl
import os


class Lock:
    """A lock on a file, over all hosts that share it; it ends with the process.

    The file is made where there is none. What is in it stays, and a link is not followed.

    Args:
      path: The file.
      wait: Whether to wait where another process holds the lock.

    Raises:
      OSError: If the file cannot be opened, or is a link.
    """

    def __init__(self, path, wait=False):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            self.held = True
        except BlockingIOError:
            self.release()
        except BaseException:
            self.release()
            raise

    def release(self):
        self.held = False
        if self.file is not None:
            os.close(self.file)
        self.file = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()
