"""Callbacks that log a run, keep its best weights and end it."""

import math
import pathlib
from unittest import mock

import h5py
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.diagnostics import Diagnostics
from tp_keras.experiment import results
from tp_keras.experiment.callbacks import (
    BestWeightsCheckpoint,
    Diverged,
    EpochCSVLogger,
    TerminateOnDivergence,
)
from tp_keras.experiment.measured import Measured
from tp_keras.experiment.run_directory import CannotWrite, RunDirectory
from tp_keras.experiment.tensorboard import TensorBoardLogger
from tp_keras.objectives import SoftmaxCrossEntropy


class TerminateOnDivergenceTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.callback = TerminateOnDivergence()
        self.callback.set_model(rules.learner("sdtp"))
        self.callback.on_epoch_begin(3)

    @parameterized.parameters(math.nan, math.inf, -math.nan, 2e6)
    def test_a_loss_that_is_not_finite_or_above_a_million_ends_the_run(self, loss):
        for name in ("loss", "inverse_loss"):
            with self.assertRaisesRegex(Diverged, "epoch 4"):
                self.callback.on_train_batch_end(0, {"loss": 1.0, name: loss})
        for name, what in (("test_loss", "test set"), ("val_loss", "held-out examples")):
            with self.assertRaisesRegex(Diverged, f"epoch 4: the loss on the {what}"):
                self.callback.on_epoch_end(3, {"loss": 1.0, name: loss})

    def test_other_losses_do_not(self):
        self.callback.on_train_batch_end(0, {"loss": 9e5, "inverse_loss": 0.0})
        self.callback.on_epoch_end(3, {"loss": 1.0, "val_loss": 9e5, "test_loss": 9e5})


class EventFilesTest(tf.test.TestCase):
    def test_a_full_disk_is_reported_as_such_and_not_as_lack_of_memory(self):
        full = tf.errors.ResourceExhaustedError(None, None, "events; No space left on device\n\tx")
        dataset = mock.Mock()
        dataset.test_batches.return_value = [None]
        with RunDirectory(pathlib.Path(self.get_temp_dir()) / self.id(), "") as folder:
            diagnostics = Diagnostics()
            diagnostics.set_run(dataset, folder)
            for callback in (TensorBoardLogger(folder, "", {}, "%"), diagnostics):
                with (
                    mock.patch.object(tf.summary, "create_file_writer", side_effect=full),
                    self.assertRaisesRegex(CannotWrite, "No space left on device"),
                ):
                    callback.on_train_begin()
                writer = mock.MagicMock()
                writer.close.side_effect = full
                with (
                    mock.patch.object(tf.summary, "create_file_writer", return_value=writer),
                    self.assertRaisesRegex(CannotWrite, "No space left on device"),
                ):
                    callback.on_train_begin()
                    callback.on_train_end()


class EpochCSVLoggerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.get_temp_dir()) / self.id()
        self.folder = self.enterContext(RunDirectory(folder, "train.epochs = 3"))
        self.model = mock.Mock(phases=("forward",), objective=SoftmaxCrossEntropy())
        self.log = EpochCSVLogger(self.folder, None, Measured(self.model), 3, lambda line: None)
        self.log.set_model(self.model)

    def epoch(self, number, test_error, *others, **held_out):
        self.model.evaluate.return_value = {"loss": 1.0, "error": test_error}
        logs = {"loss": 1.0, "error": 50.0, **held_out}
        for callback in (self.log, *others):
            callback.on_epoch_end(number, logs)

    def test_seconds_are_those_of_the_epoch_alone(self):
        with mock.patch("time.perf_counter") as clock:
            for number, (start, end) in enumerate([(0.0, 4.0), (10.0, 11.0), (11.0, 13.5)]):
                clock.return_value = start
                self.log.on_epoch_begin(number)
                clock.return_value = end
                self.epoch(number, 9.0)
        self.assertEqual([row["seconds"] for row in self.log.rows], [4.0, 1.0, 2.5])

    def best_weights(self):
        """The callback, on a model whose weights are the number of the epoch."""

        def save_weights(path):
            with h5py.File(path, "w") as file:
                file.attrs["epoch"] = len(self.log.rows)

        best, self.model.save_weights = BestWeightsCheckpoint(self.folder, self.log), save_weights
        best.set_model(self.model)
        return best

    def saved_epoch(self):
        """The number of the epoch whose weights are in `best.weights.h5`."""
        with h5py.File(self.folder.path / "best.weights.h5") as file:
            return int(file.attrs["epoch"])

    def test_best_weights_are_those_of_the_lowest_error(self):
        best, saved = self.best_weights(), []
        for number, error in enumerate([9.0, 4.0, 7.0, 4.0, 3.0]):
            self.log.on_epoch_begin(number)
            self.epoch(number, error, best)
            saved.append(self.saved_epoch())
        self.assertEqual(saved, [1, 2, 2, 2, 5])

    def test_lost_best_weights_are_written_again_where_the_model_has_them_else_named(self):
        path = self.folder.path / "best.weights.h5"
        for errors, step, epoch in [((9.0, 4.0), 0, None), ((9.0, 4.0), 1, 2), ((4.0, 9.0), 0, 1)]:
            best, lines = self.best_weights(), []
            self.log.rows = [{"epoch": i + 1, "test_error": e} for i, e in enumerate(errors)]
            path.write_bytes(b"damaged")
            best.restore(self.model, step, lines.append)
            if epoch is None:
                self.assertEqual((self.saved_epoch(), lines), (2, []))
            else:
                self.assertEqual(path.read_bytes(), b"damaged")
                (line,) = lines
                self.assertIn(f"its weights, of epoch {epoch}, are in no checkpoint", line)

    def test_best_weights_are_chosen_by_held_out_examples_where_there_are_any(self):
        best, saved = self.best_weights(), []
        for number, (test, held_out) in enumerate([(9.0, 5.0), (4.0, 6.0), (7.0, 3.0)]):
            self.log.on_epoch_begin(number)
            self.epoch(number, test, best, val_loss=1.0, val_error=held_out)
            saved.append(self.saved_epoch())
        self.assertEqual(saved, [1, 1, 3])
        found = results.summarize(self.log.rows)
        self.assertEqual((found["chosen_epoch"], found["chosen_test_error"]), (3, 7.0))
        self.assertEqual((found["best_epoch"], found["best_test_error"]), (2, 4.0))

    def test_a_rule_s_own_metric_gets_a_column(self):
        self.log.on_epoch_begin(0)
        self.epoch(0, 9.0, gain=2.5, val_error=3.0, val_loss=1.0)
        header, row = (self.folder.path / "epochs.csv").read_text().splitlines()
        found = dict(zip(header.split(","), row.split(","), strict=True))
        self.assertEqual((found["gain"], found["validation_error"]), ("2.5", "3.0"))

    def test_the_final_error_is_the_last_and_the_best_the_lowest(self):
        rows = [
            {"epoch": 1 + i, "test_error": test, "train_error": train}
            for i, (test, train) in enumerate([(9.0, 8.0), (4.0, 5.0), (6.0, 3.0)])
        ]
        found = results.summarize(rows)
        self.assertEqual(found["best_test_error"], 4.0)
        self.assertEqual(found["best_epoch"], 2)
        self.assertEqual(found["final_test_error"], 6.0)
        self.assertEqual(found["final_train_error"], 3.0)


if __name__ == "__main__":
    tf.test.main()
