"""Unforeseen errors: one line, status 1, and a file with the traceback."""

import errno
import os
import pathlib
import re
import tempfile
import tokenize
from unittest import mock

import gin
import tensorflow as tf
from command_line import CommandLine
from fakes import fake_images
from google.protobuf.message import DecodeError

from tp_keras import train
from tp_keras.experiment import cli

BP = "--gin_file=gin/mnist_fc_bp.gin"


def as_gin_raises_it(error):
    """The copy that gin makes of an error, with its text and without its number."""
    try:
        gin.utils.augment_exception_message_and_reraise(error, "\n  In call to configurable 'f'")
    except OSError as copy:
        return copy


class UnforeseenTest(CommandLine):
    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(tempfile, "tempdir", str(self.folder)))

    def assert_one_line(self, error, *parts):
        with mock.patch.object(cli, "train", side_effect=error):
            self.assert_refused([BP], *parts, status=train.UNFORESEEN)

    def test_every_kind_of_error_is_one_line_with_its_traceback_in_a_file(self):
        for error in (
            KeyError("kernel"),
            ImportError("no module"),
            RuntimeError("two\nlines " + 400 * "x"),
            AssertionError(),
            DecodeError("truncated"),
            tokenize.TokenError("EOF", (1, 0)),
            tf.errors.InvalidArgumentError(None, None, "{{node x}} shapes differ"),
            RecursionError("maximum depth"),
        ):
            with self.subTest(error=type(error).__name__):
                with mock.patch.object(cli, "train", side_effect=error):
                    status, _, line = self.run_main(BP)
                self.assertEqual((status, line.count("\n")), (train.UNFORESEEN, 1), line)
                self.assertLess(len(line), 300)
                self.assertIn(f"not foreseen ({type(error).__name__}: ", line)
                path = re.search(r"please report it with (\S+\.txt)", line)[1]
                text = pathlib.Path(path).read_text()
                self.assertIn("Traceback (most recent call last)", text)
                self.assertIn("TensorFlow", text)

    def test_lack_of_memory_is_named(self):
        exhausted = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        for error in (MemoryError(), exhausted):
            self.assert_one_line(error, "the memory does not suffice", "data.load.batch_size")

    def test_an_output_that_cannot_be_written_has_a_status_of_its_own_and_no_file(self):
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "best.gin")
        for error in (
            full,
            BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)),
            tf.errors.ResourceExhaustedError(None, None, "events; No space left on device\n\tx"),
            as_gin_raises_it(full),
        ):
            with mock.patch.object(cli, "train", side_effect=error):
                self.assert_refused([BP], "cannot write: ", "resumes", status=train.CANNOT_WRITE)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_traceback_that_cannot_be_written_is_said_to_be_so(self):
        with mock.patch.object(tempfile, "NamedTemporaryFile", side_effect=OSError(28, "No space")):
            self.assert_one_line(KeyError("x"), "No space", "--verbosity=1")

    def test_verbosity_1_raises_the_error_itself(self):
        with (
            mock.patch.object(cli, "train", side_effect=KeyError("x")),
            self.assertRaises(KeyError),
        ):
            self.run_main(BP, "--verbosity=1")


class OtherDataTest(CommandLine):
    def test_a_run_is_not_resumed_with_other_data(self):
        small = "--gin_bindings=build.dense = [4]"
        with fake_images():
            self.assertEqual(self.run_main(BP, small, "--epochs=1")[0], 0)
        before = {path: path.read_bytes() for path in self.folder.rglob("ckpt*")}
        with fake_images(examples=195):
            parts = "--run_dir holds a run on other data", "192+99 there, 195+100 here"
            self.assert_refused([BP, small, "--epochs=2"], *parts)
        self.assertEqual(before, {path: path.read_bytes() for path in self.folder.rglob("ckpt*")})
        with fake_images():
            self.assertEqual(self.run_main(BP, small, "--epochs=2")[0], 0)
