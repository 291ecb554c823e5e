"""Workers that wait for one another before TensorFlow starts: threads, on the loopback address."""

import concurrent.futures
import socket
import time
from unittest import mock

import pytest
from processes import free_addresses

from tp_keras.distribution import handshake
from tp_keras.distribution.cluster import Cluster

SETTINGS = {"train.epochs": "3", "seed": "1"}


def addresses(number):
    return tuple(free_addresses(number))


def meet(members, minutes=1.0):
    """The error or None, and the lines, of each worker, given as `(addresses, index, settings)`."""

    def one(member):
        names = tuple(f"worker {i}" for i in range(len(member[0])))
        lines = []
        try:
            handshake.await_workers(
                Cluster(member[0], names, member[1]), member[2], minutes, lines.append
            )
        except (ValueError, handshake.WorkerMissing) as error:
            return error, lines
        return None, lines

    with concurrent.futures.ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(one, members))


@pytest.fixture(autouse=True)
def short_intervals():
    with mock.patch.multiple(handshake, LINGER=1.0, FIRST_LINE=0.3, NEXT_LINE=0.5):
        yield


@pytest.mark.parametrize("size", [2, 3, 5])
def test_workers_with_equal_settings_pass(size):
    where = addresses(size)
    assert [error for error, _ in meet([(where, i, SETTINGS) for i in range(size)])] == [
        None
    ] * size


def test_the_port_is_free_again_afterwards():
    where = addresses(2)
    for _ in range(2):
        assert meet([(where, i, SETTINGS) for i in range(2)])[0][0] is None
        socket.create_server(("", int(where[0].rpartition(":")[2]))).close()


@pytest.mark.parametrize("odd", [0, 2])
def test_a_worker_with_another_setting_is_named_to_all(odd):
    where = addresses(3)
    settings = [SETTINGS | ({"seed": "2"} if i == odd else {}) for i in range(3)]
    for error, _ in meet([(where, i, s) for i, s in enumerate(settings)]):
        assert isinstance(error, ValueError)
        assert "started differently: seed is" in str(error) and f"worker {odd}" in str(error)
        assert "\n" not in str(error) and len(str(error)) < 300


def test_a_setting_that_one_worker_lacks_is_named_as_not_set():
    where = addresses(2)
    for error, _ in meet([(where, 0, SETTINGS), (where, 1, SETTINGS | {"train.jit_compile": "1"})]):
        found = "train.jit_compile is not set in worker 0, 1 in worker 1"
        assert found in str(error) or "train.jit_compile is 1 in worker 1, not set" in str(error)


def test_another_order_of_the_workers_is_named():
    where = addresses(2)
    for error, _ in meet([(where, 0, SETTINGS), (where[::-1], 0, SETTINGS)]):
        assert "the same workers in the same order" in str(error)


def test_a_missing_worker_is_named_while_waiting_and_at_the_end():
    where = addresses(3)
    started = time.monotonic()
    for error, lines in meet([(where, i, SETTINGS) for i in (0, 2)], minutes=1.5 / 60):
        assert isinstance(error, handshake.WorkerMissing)
        assert f"worker 1 at {where[1]}" in str(error)
        assert lines and all(f"waiting for worker 1 at {where[1]}" in line for line in lines)
    assert time.monotonic() - started < 10


def test_a_port_in_use_is_named():
    where = addresses(2)
    with socket.create_server(("", int(where[0].rpartition(":")[2]))):
        ((error, _),) = meet([(where, 0, SETTINGS)])
    assert isinstance(error, ValueError) and where[0] in str(error)
    assert "worker 0 was started twice" in str(error)


def test_one_worker_on_two_hosts_is_named():
    where, hosts = ("a:1", "b:1", "c:1"), iter(["one", "two", "three"])
    with mock.patch.object(handshake.socket, "gethostname", lambda: next(hosts)):
        meeting, *others = (
            handshake.Meeting(Cluster(where, ("w0", "w1", "w2"), i), SETTINGS) for i in (0, 1, 1)
        )
    for other in others:
        assert meeting.note(other.card())
    assert "w1 was started twice, on three and on two" in meeting.refusal


@pytest.mark.parametrize(
    "line", [b"", b"GET / HTTP/1.1\r\n", b"[]\n", b'{"index": 1}\n', b"[" * 100_000, b"\xff\n"]
)
def test_messages_of_other_programs_are_ignored(line):
    meeting = handshake.Meeting(Cluster(("a:1", "b:1"), ("w0", "w1"), 0), SETTINGS)
    assert not meeting.note(line)
    assert (meeting.refusal, meeting.met) == ("", {})
