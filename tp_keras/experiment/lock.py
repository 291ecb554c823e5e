"""A lock over processes and hosts."""

import fcntl


class Lock:
    """A lock on a file, over all hosts that share it; it ends with the process."""

    def __init__(self, path, wait=False):
        self.file = path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            self.held = True
        except BlockingIOError:
            self.release()

    def release(self):
        self.held = False
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()
