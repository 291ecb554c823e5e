"""Runs the command line in the test's own process."""

import contextlib
import io
import pathlib
import shutil
import tempfile
import warnings

import gin
import tensorflow as tf
from absl import flags, logging
from absl.testing import flagsaver

from tp_keras import train


def run_program(program, *arguments):
    """Runs a program, a module, in this process: exit status, standard output, standard error."""
    gin.clear_config()
    out, err = io.StringIO(), io.StringIO()
    with flagsaver.flagsaver(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in ("gin_file", "gin_bindings"):
            flags.FLAGS[name].unparse()
        try:
            status = program.main(program.parse_flags(["program", "--verbosity=0", *arguments]))
        except SystemExit as stop:
            status = stop.code
    return status, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def eager_steps():
    """Runs training steps eagerly: tracing a graph costs more than the few steps of a test."""
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            # tf.data has graphs all the same
            warnings.filterwarnings("ignore", "Even though the `tf.config")
            yield
    finally:
        tf.config.run_functions_eagerly(False)


class FolderTest(tf.test.TestCase):
    """A test case with a temporary folder and eager steps; gin and absl are restored after it."""

    def setUp(self):
        super().setUp()
        self.enterContext(eager_steps())
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(gin.clear_config)
        self.addCleanup(logging.set_verbosity, logging.get_verbosity())


class CommandLine(FolderTest):
    """A test case that runs `python -m tp_keras.train`."""

    def run_main(self, *arguments):
        if not any(a.startswith("--run_dir") for a in arguments):
            arguments = (*arguments, f"--run_dir={self.folder / 'run'}")
        return run_program(train, *arguments)

    def assert_refused(self, arguments, *parts, status=2):
        """One line on standard error that holds `parts`, and the exit status."""
        code, _, err = self.run_main(*arguments)
        self.assertEqual(code, status, err)
        self.assertEqual(err.count("\n"), 1, err)
        for part in parts:
            self.assertIn(part, err)
