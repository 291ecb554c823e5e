"""SIGTERM, Ctrl-C and a terminal that is closed, after which this process has seconds left."""

import contextlib
import os
import signal
import socket
import threading

STATUS = 128 + signal.SIGTERM
GRACE = 8.0  # seconds, as docs/guarantees.md says; schedulers kill after 30
NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C", signal.SIGHUP: "SIGHUP"}


class Preempted(Exception):
    """Raised by a run that has received a signal and saved its state.

    Args:
      message: Why and where it stopped.
      status: The exit status.
    """

    def __init__(self, message: str, status: int = STATUS):
        super().__init__(message)
        self.status = status


class Preemption:
    """Notes the signals in `NAMES`; leaves the process after `GRACE` where nobody acts on it.

    While a step compiles, Python does not reach its signal handlers. The signal's number however
    is written to a socket at once, and a thread reads it there. A second signal ends the process
    at once.

    Args:
      at_once: Whether the first signal raises KeyboardInterrupt. Else whoever trains has to look
        at `requested`.
    """

    def __init__(self, at_once: bool = False):
        self.at_once, self.number = at_once, None

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None

    @property
    def status(self) -> int:
        """The exit status that says which signal came."""
        return 128 + (self.number or signal.SIGTERM)

    @property
    def name(self) -> str:
        """What the user knows the signal by."""
        return NAMES[self.number or signal.SIGTERM]

    def stopped(self, where: str) -> Preempted:
        """Returns what to raise once all is saved; of several workers one alone got the signal."""
        who = self.name if self.requested else "another worker was told to stop"
        return Preempted(f"{who}: {where}", self.status)

    @contextlib.contextmanager
    def watched(self):
        """Within, signals set `requested` in place of ending the process."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python's rule: only the main thread may handle signals
            return
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        handlers = {n: signal.signal(n, self._handle) for n in NAMES if not _is_for_nohup(n)}
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        ended = threading.Event()
        thread = threading.Thread(target=self._listen, args=(reader, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            signal.set_wakeup_fd(wakeup)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            writer.close()  # ends the thread
            thread.join()
            reader.close()

    def _handle(self, number, frame):
        self.number = self.number or number
        if self.at_once:
            raise KeyboardInterrupt

    def _listen(self, reader, ended):
        signals = 0
        while number := reader.recv(1):
            if number[0] in NAMES:
                signals += 1
                self.number = self.number or number[0]
                if signals > 1:
                    self._leave("a second signal", ended)
                timer = threading.Timer(GRACE, self._leave, (f"no end within {GRACE:g} s", ended))
                timer.daemon = True
                timer.start()

    def _leave(self, why, ended):
        if ended.is_set():
            return
        line = (
            f"tp_keras: {self.name}, {why}: what was not saved yet is lost; the same command goes "
            "on from the newest checkpoint\n"
        )
        with contextlib.suppress(OSError):
            os.write(2, line.encode())
        os._exit(self.status)


def _is_for_nohup(number):
    """Whether a signal is to be ignored, as `nohup` has it: the run outlives its terminal."""
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
