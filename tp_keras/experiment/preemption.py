"""SIGTERM, the signal of a scheduler that will end this process in some seconds."""

import contextlib
import os
import signal
import socket
import threading

STATUS = 128 + signal.SIGTERM
GRACE = 8.0  # seconds; a scheduler kills after 30, and we promise 10


class Preempted(Exception):
    """Raised by a run that has received SIGTERM and saved its state."""


class Preemption:
    """Notes SIGTERM; leaves the process after `GRACE` where nobody acts on it.

    While a step compiles, Python does not reach its signal handlers. The signal's number however
    is written to a socket at once, and a thread reads it there.
    """

    def __init__(self):
        self.requested = False

    @contextlib.contextmanager
    def watched(self):
        """Within, SIGTERM sets `requested` in place of ending the process."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python's rule: only the main thread may handle signals
            return
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        handler = signal.signal(signal.SIGTERM, lambda number, frame: self._request())
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._listen, args=(reader,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            signal.signal(signal.SIGTERM, handler)
            writer.close()  # ends the thread
            thread.join()
            reader.close()

    def _request(self):
        self.requested = True

    def _listen(self, reader):
        while number := reader.recv(1):
            if number[0] == signal.SIGTERM and not self.requested:
                self._request()
                timer = threading.Timer(GRACE, os._exit, (STATUS,))
                timer.daemon = True
                timer.start()
