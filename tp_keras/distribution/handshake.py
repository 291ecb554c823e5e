"""Checks, before TensorFlow connects the workers, that all are there and were started alike.

TensorFlow itself waits an hour for a missing worker, without a line, handles no signal, and does
not notice that two workers train something different.
"""

import contextlib
import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable

from tp_keras.distribution.cluster import Cluster

FIRST_LINE, NEXT_LINE = 10.0, 30.0  # seconds after which to say who is awaited, and again
LINGER = 15.0  # seconds that a worker answers after an error: late ones get the reason
CONNECT, ANSWER = 2.0, 10.0  # seconds to wait for a connection, and for an answer over it
PAUSE = 0.2  # seconds between two attempts
LONGEST = 1 << 20  # most bytes of a card


class WorkerMissing(Exception):
    """A worker that did not come in time."""


def await_workers(
    cluster: Cluster, settings: dict[str, str], minutes: float, say: Callable[[str], None]
) -> None:
    """Returns once all workers have exchanged what they were started with.

    Each listens at its own address and connects to the others'. Both sides of a connection learn.

    Args:
      cluster: The workers.
      settings: What has to be the same for all, by name.
      minutes: How long to wait.
      say: What to call with a line for the user.

    Raises:
      ValueError: If two workers were started differently or are the same one, or if this worker's
        port is in use.
      WorkerMissing: If one did not come.
    """
    meeting = Meeting(cluster, settings)
    server = _listening(cluster, meeting)
    try:
        started, next_line = time.monotonic(), FIRST_LINE
        while missing := meeting.missing():
            for index in missing:
                meeting.ask(index)
            waited = time.monotonic() - started
            if meeting.refusal or not (missing := meeting.missing()):
                break
            who = ", ".join(f"{cluster.names[i]} at {cluster.addresses[i]}" for i in missing)
            if waited > 60 * minutes:
                raise WorkerMissing(f"waited {minutes:g} minutes for {who}")
            if waited > next_line:
                say(f"waiting for {who}, {waited:.0f} s so far of {minutes:g} minutes")
                next_line = waited + NEXT_LINE
            time.sleep(PAUSE)
        _tell_the_others(meeting)
    finally:
        server.shutdown()
        server.server_close()
    if meeting.refusal:
        raise ValueError(meeting.refusal)


def _tell_the_others(meeting):
    """After a refusal: waits a while for workers that have not heard of it."""
    until = time.monotonic() + LINGER
    while meeting.refusal and (missing := meeting.missing()) and time.monotonic() < until:
        for index in missing:
            meeting.ask(index)
        time.sleep(PAUSE)


class Meeting:
    """The settings that this worker has received from the others.

    Args:
      cluster: The workers.
      settings: What has to be the same for all, by name.
    """

    def __init__(self, cluster, settings):
        self.cluster, self.settings = cluster, settings
        self.host, self.met, self.refusal = socket.gethostname(), {}, ""
        self.lock = threading.Lock()

    def card(self):
        """Returns this worker's addresses and settings as a line of JSON."""
        content = {
            "tp_keras": True,
            "index": self.cluster.index,
            "host": self.host,
            "cluster": list(self.cluster.addresses),
            "settings": self.settings,
            "refusal": self.refusal,
        }
        return json.dumps(content).encode() + b"\n"

    def missing(self):
        others = set(range(len(self.cluster.addresses))) - {self.cluster.index}
        return sorted(others - self.met.keys())

    def ask(self, index):
        """Exchanges cards with a worker, if it is there."""
        host, _, port = self.cluster.addresses[index].rpartition(":")
        with (
            contextlib.suppress(OSError),  # not there yet
            socket.create_connection((host.strip("[]"), int(port)), CONNECT) as connection,
        ):
            connection.settimeout(ANSWER)
            # Where nobody listens a port of this machine may be connected to itself
            if connection.getsockname() != connection.getpeername():
                connection.sendall(self.card())
                with connection.makefile("rb") as file:
                    self.note(file.readline(LONGEST))

    def note(self, line):
        """Takes a card; what is none, such as a scanner's request, is ignored."""
        try:
            card = json.loads(line)
            index, host, cluster = int(card["index"]), str(card["host"]), list(card["cluster"])
            settings, heard = dict(card["settings"]), str(card["refusal"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        with self.lock:
            found = self._difference(index, host, cluster, settings) or heard
            self.refusal = self.refusal or "".join(filter(str.isprintable, found))[:250]
            self.met[index] = host
        return True

    def _difference(self, index, host, cluster, settings):
        """Why this worker and another cannot train together, "" where they can."""
        mine = list(self.cluster.addresses)
        if cluster != mine or not 0 <= index < len(mine):
            return (
                "TF_CONFIG must list the same workers in the same order for all, received "
                f"{', '.join(mine)} here and {', '.join(map(str, cluster))} on {host}"
            )
        if index == self.cluster.index or self.met.get(index, host) != host:
            other = self.host if index == self.cluster.index else self.met[index]
            return f"{self.cluster.names[index]} was started twice, on {host} and on {other}"
        names = sorted(
            n
            for n in self.settings.keys() | settings.keys()
            if self.settings.get(n) != settings.get(n)
        )
        if not names:
            return ""
        mine, other = self.cluster.names[self.cluster.index], self.cluster.names[index]
        first, more = names[0], f" and {len(names) - 1} more" if len(names) > 1 else ""
        values = [str(s.get(first, "not set"))[:60] for s in (self.settings, settings)]
        return (
            f"the workers were started differently: {first} is {values[0]} in {mine}, {values[1]} "
            f"in {other}{more}; give all the same command"
        )


def _listening(cluster, meeting):
    class Handler(socketserver.StreamRequestHandler):
        timeout = ANSWER

        def handle(self):
            with contextlib.suppress(OSError):  # the other side asks again
                if meeting.note(self.rfile.readline(LONGEST)):
                    self.wfile.write(meeting.card())

    server = socketserver.ThreadingTCPServer(("", 0), Handler, bind_and_activate=False)
    server.daemon_threads = True
    server.socket.close()
    server.socket = _bound(cluster)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _bound(cluster):
    address = cluster.addresses[cluster.index]
    port = int(address.rpartition(":")[2])
    try:
        if socket.has_dualstack_ipv6():
            with contextlib.suppress(OSError):  # compiled in, switched off
                socket.create_server(("::1", 0), family=socket.AF_INET6).close()
                both = {"family": socket.AF_INET6, "dualstack_ipv6": True}
                return socket.create_server(("", port), backlog=128, **both)
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        name = cluster.names[cluster.index]
        raise ValueError(
            f"the port of {name}, {address}, cannot be listened on ({os.strerror(error.errno)}): "
            f"another program has it, or {name} was started twice"
        ) from error
