"""What signals do to a process, in small programs."""

import signal
import subprocess
import sys
import time

import pytest

from tp_keras.experiment import preemption

# Prints that it is ready, then runs a body that reacts to signals, or does not
PROGRAM = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("preemption", {path!r})
preemption = importlib.util.module_from_spec(spec)
spec.loader.exec_module(preemption)  # without TensorFlow, whose import takes seconds
preemption.GRACE = 1.0
watch = preemption.Preemption(at_once={at_once})
try:
    with watch.watched():
        print("ready", flush=True)
        {body}
        print("done", watch.requested, watch.status, flush=True)
except KeyboardInterrupt:
    print("interrupted", watch.name, flush=True)
    sys.exit(watch.status)
"""
NOTICES = "while not watch.requested: time.sleep(0.02)"
IGNORES = "time.sleep(60)"
# One call into C, during which Python runs no signal handlers
UNINTERRUPTED = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"


def run(at_once, body, *numbers, under=()):
    """Runs the program and sends it signals; its status, output, errors, and seconds to the end."""
    text = PROGRAM.format(path=preemption.__file__, at_once=at_once, body=body)
    process = subprocess.Popen(
        [*under, sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # The tests themselves may run under nohup
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # until the body runs
    started = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.2)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err, time.monotonic() - started


@pytest.mark.parametrize(
    "number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_is_noted_where_training_looks_for_it(number, status):
    code, out, err, _ = run(False, NOTICES, number)
    assert (code, out, err) == (0, f"done True {status}\n", "")


@pytest.mark.parametrize(
    "number, status, name", [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_before_and_after_training_a_signal_interrupts(number, status, name):
    code, out, err, seconds = run(True, IGNORES, number)
    assert (code, out, err) == (status, f"interrupted {name}\n", "")
    assert seconds < 5


@pytest.mark.parametrize("at_once, body", [(False, IGNORES), (True, UNINTERRUPTED)])
def test_a_process_that_does_not_react_to_a_signal_is_ended_with_a_line(at_once, body):
    code, out, err, seconds = run(at_once, body, signal.SIGTERM)
    assert (code, out) == (143, "")
    assert err.count("\n") == 1 and "SIGTERM, no end within 1 s" in err
    assert 0.5 < seconds < 10


def test_under_nohup_a_run_outlives_its_terminal():
    body = "time.sleep(1.5)"
    code, out, _, _ = run(False, body, signal.SIGHUP, under=["nohup"])
    assert (code, out) == (0, "done False 143\n")


def test_a_second_signal_ends_at_once():
    code, _, err, seconds = run(False, IGNORES, signal.SIGINT, signal.SIGINT)
    assert code == 130
    assert err.count("\n") == 1 and "Ctrl-C, a second signal" in err
    assert seconds < 5


def test_the_line_of_a_worker_without_a_signal_of_its_own_says_that_another_was_stopped():
    watch = preemption.Preemption()
    stopped = watch.stopped("saved")
    assert (str(stopped), stopped.status) == ("another worker was told to stop: saved", 143)
    watch.number = signal.SIGINT
    stopped = watch.stopped("saved")
    assert (str(stopped), stopped.status) == ("Ctrl-C: saved", 130)
