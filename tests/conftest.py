"""Settings of every test: no accelerator, two logical CPU devices, a fixed seed."""

import gc
import os
import signal

# A background job of a shell ignores SIGINT, and so would the programs that tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# pytest-xdist has a process on each of two cores
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import pytest

gc.disable()  # until all is imported


def pytest_configure(config):
    """Sets up TensorFlow before its first operation; the second device is for the strategies.

    With pytest-xdist the controlling process runs no tests, and does not import TensorFlow.
    """
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_collection_finish():
    """Has garbage collections pass over what is imported by now: .2 s each time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def same_weights_every_time():
    """Sets the seed, so that a test passes always or never, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(1)


@pytest.fixture
def clean_gin():
    """gin without bindings, before a test and after it."""
    import gin

    gin.clear_config()
    yield
    gin.clear_config()


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run tests that are marked slow")


def pytest_collection_modifyitems(config, items):
    """Skips slow tests without --slow; removes `test_session`, a method of `tf.test.TestCase`."""
    items[:] = [item for item in items if item.name != "test_session"]
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: python -m pytest --slow runs it"))
