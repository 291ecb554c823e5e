"""`tp_keras.experiment.run` in plain Python: no gin, no flags."""

import contextlib
import csv
import dataclasses
import io
import json
import math
import os
import pathlib
import shutil
import signal
import tempfile

import keras
import numpy as np
import tensorflow as tf
from command_line import eager_steps

import tp_keras
from tp_keras import data, learners, objectives, schedules
from tp_keras.experiment import console, preemption, results, runner
from tp_keras.experiment.callbacks import Diverged
from tp_keras.experiment.cli import PAPER_DATA, is_paper_data
from tp_keras.experiment.measured import Measured
from tp_keras.experiment.progress import ProgressBar, ProgressLines, duration
from tp_keras.experiment.resume import CheckpointPolicy
from tp_keras.report import runs

FILES = {
    "operative.gin",
    "epochs.csv",
    "result.json",
    "best.weights.h5",
    "last.weights.h5",
    "network.keras",
    "checkpoints",
}


@keras.saving.register_keras_serializable(package="mine")
class HalfBP(learners.BP):
    """A rule of a user's own script."""


def dataset(seed=0, **options):
    random = np.random.default_rng(seed)
    x, y = random.random((26, 5, 4, 1), "float32"), random.integers(0, 3, 26)
    return data.from_arrays((x[:18], y[:18]), test=(x[18:], y[18:]), batch_size=6, **options)


def learner(rule=learners.SDTP, noise=0.1, **options):
    """A compiled learner, new each time, its weights from no fixed seed."""
    network = tp_keras.architectures.build((5, 4, 1), classes=3, dense=[7, 6])
    inverses = issubclass(rule, learners.TargetLearner)
    made = rule(network, objectives.SoftmaxCrossEntropy(), *([noise] if inverses else []))
    sgd = keras.optimizers.SGD
    inverse = {"inverse_optimizer": sgd(0.02, momentum=0.5)} if inverses else {}
    made.compile(sgd(0.1, momentum=0.5), **inverse, **options)
    return made


def keras_learner(loss="categorical_crossentropy", metrics=("accuracy",)):
    """A learner with a Keras loss, on blocks with dropout."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    hidden = [layers.Flatten(), layers.Dense(7, "tanh"), layers.Dropout(0.3)]
    blocks = [keras.Sequential(hidden), layers.Dense(3, "softmax")]
    made = learners.DFA(tp_keras.Network(blocks, (5, 4, 1)))
    made.compile("adam", loss, metrics=metrics and list(metrics))
    return made


class RunTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(eager_steps())
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir())) / "run"

    def run_quietly(self, *arguments, folder=None, **options):
        folder = folder or self.folder
        return tp_keras.experiment.run(
            *arguments[:2], folder, arguments[2], verbose=False, **options
        )

    def test_one_call_trains_and_writes_a_run_folder(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            trained = learner()
            result = tp_keras.experiment.run(dataset(), trained, self.folder, 2)
        self.assertContainsSubset(FILES, {path.name for path in self.folder.iterdir()})
        self.assertNotEmpty(list(self.folder.glob("*tfevents*")))
        self.assertEqual(json.loads((self.folder / "result.json").read_text()), result)
        with open(self.folder / "epochs.csv", newline="") as file:
            errors = [float(row["test_error"]) for row in csv.DictReader(file)]
        self.assertEqual((len(errors), result["epochs"]), (2, 2))
        self.assertEqual(result["best_test_error"], min(errors))
        self.assertEqual((result["method"], result["dataset"]), ("sdtp", "arrays"))
        self.assertIn("epoch 2/2  train error", out.getvalue())
        (read,) = runs.read_runs(self.folder).runs
        self.assertEqual(read.result["epochs"], 2)
        # The same call in a new kernel trains nothing, and gives the learner its weights
        again, before = learner(), (self.folder / "epochs.csv").read_bytes()
        self.assertEqual(self.run_quietly(dataset(), again, 2), result)
        self.assertEqual((self.folder / "epochs.csv").read_bytes(), before)
        for one, other in zip(trained.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(one, other)

    def test_a_complete_run_without_its_weights_restores_them_or_is_refused(self):
        trained, weights = learner(), self.folder / "last.weights.h5"
        result = self.run_quietly(dataset(), trained, 1)
        weights.write_bytes(b"cut")
        again = learner()
        self.run_quietly(dataset(), again, 1)  # from the checkpoint
        for one, other in zip(trained.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(one, other)
        shutil.rmtree(self.folder / "checkpoints")
        for damage in (lambda: weights.write_bytes(b"cut"), weights.unlink):
            damage()
            with self.assertRaisesRegex(ValueError, "last.weights.h5.*restore_weights=False"):
                self.run_quietly(dataset(), learner(), 1)
        again = self.run_quietly(dataset(), learner(), 1, restore_weights=False)
        self.assertEqual(again["final_test_error"], result["final_test_error"])

    def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(self):
        keras.utils.set_random_seed(3)
        whole = learner()
        self.run_quietly(dataset(), whole, 3, folder=self.folder.with_name("whole"))
        keras.utils.set_random_seed(3)
        self.run_quietly(dataset(), learner(), 1)
        # Steps in one call change the speed alone, and may differ
        resumed = learner(steps_per_execution=2)
        result = self.run_quietly(dataset(), resumed, 3)
        self.assertEqual(result["epochs"], 3)
        for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllEqual(one, other)

    def test_another_experiment_is_refused_by_what_differs(self):
        self.run_quietly(dataset(), learner(), 0)
        for arguments, words in [
            ((dataset(), learner(noise=0.2)), "learner.noise_stddev: 0.1 there, 0.2 here"),
            ((dataset(), learner(learners.BP)), "learner: 'tp_keras>SDTP' there"),
            ((dataset(seed=1), learner()), "dataset.sample: "),
            ((dataset(validation_examples=6), learner()), "dataset.train_examples: 18 there"),
        ]:
            with self.assertRaisesRegex(ValueError, f"another experiment.*{words}"):
                self.run_quietly(*arguments, 1)

    def test_wrong_arguments_are_named_and_leave_no_folder(self):
        uncompiled = learners.BP(learner().network, objectives.SoftmaxCrossEntropy())
        x = np.zeros((6, 5, 4, 1))
        for arguments, words in [
            (((x, x), learner(), 1), "`dataset` must be .* received tuple"),
            ((dataset(), uncompiled, 1), "`learner` must be .* compiled, received BP"),
            ((dataset(), keras.Sequential(), 1), "`learner` .* received Sequential"),
            ((dataset(), learner(), -1), "`epochs` .* received -1"),
            ((dataset(), keras_learner("sparse_categorical_crossentropy"), 1), "one-hot, received"),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                self.run_quietly(*arguments)
        for name, values in {
            "schedule": ("parallel", schedules.Parallel),
            "callbacks": (None, 5, [None], keras.callbacks.EarlyStopping("loss"), [keras.Model]),
            "checkpoint_policy": (None, "often", CheckpointPolicy),
            "seed": ("x", 1.5, True),
            "settings": (5, ["a = 1"]),
            "architecture": (None, 5),
            "paper_error": ("x", -1, math.nan),
            "restore_weights": ("x", None),
        }.items():
            for value in values:
                with self.assertRaisesRegex(ValueError, f"^`{name}` must be .*, received "):
                    self.run_quietly(dataset(), learner(), 1, **{name: value})
        for epochs in ("1", None, 1.5, True, math.nan):
            with self.assertRaisesRegex(ValueError, "`epochs` must be a whole number .* received"):
                self.run_quietly(dataset(), learner(), epochs)
        for folder in (5, b"x", "a\0b", "\udcff", "~nobody_at_all/x"):
            with self.assertRaisesRegex(ValueError, "`directory` must be the path of a folder"):
                self.run_quietly(dataset(), learner(), 1, folder=folder)
        self.assertFalse(self.folder.exists())

    def test_a_checkpoint_policy_takes_numbers_above_0(self):
        for name, values in {
            "steps": ("x", 0, 1.5, math.nan, True),
            "minutes": ("x", None, 0, math.nan, math.inf, True),
            "keep": ("x", None, 0, 1.5, math.nan, True),
        }.items():
            for value in values:
                with self.assertRaisesRegex(ValueError, f"CheckpointPolicy.{name} must be .*, rec"):
                    CheckpointPolicy(**{name: value})

    def test_a_keras_loss_is_reported_by_the_accuracy_that_is_measured_beside_it(self):
        metrics = [keras.metrics.TopKCategoricalAccuracy(2), "accuracy"]
        made = keras_learner(metrics=metrics)
        out, held_out = io.StringIO(), dataset(validation_examples=6)
        with contextlib.redirect_stdout(out):
            result = tp_keras.experiment.run(held_out, made, self.folder, 2)
        with open(self.folder / "epochs.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        for part in ("train", "test", "validation"):
            accuracies = [float(row[f"{part}_accuracy"]) for row in rows]
            errors = [float(row[f"{part}_error"]) for row in rows]
            self.assertAllClose(errors, [100 * (1 - a) for a in accuracies], atol=1e-3)
        found = made.evaluate(held_out.unaugmented_batches(), verbose=0, return_dict=True)
        self.assertAllClose(result["measured_train_error"], 100 * (1 - found["accuracy"]))
        self.assertEqual(result["errors_are"], "%")
        self.assertIn("train error ", out.getvalue())
        (read,) = runs.read_runs(self.folder).runs
        self.assertTrue(read.in_percent)

    def test_without_an_accuracy_the_loss_stands_for_the_error(self):
        made, out = keras_learner(loss="mean_squared_error", metrics=["mae"]), io.StringIO()
        stop = keras.callbacks.EarlyStopping("test_error", patience=9)
        with contextlib.redirect_stdout(out):
            result = tp_keras.experiment.run(dataset(), made, self.folder, 2, callbacks=[stop])
        self.assertEqual((result["errors_are"], stop.mode), ("loss", "min"))
        with open(self.folder / "epochs.csv", newline="") as file:
            losses = [float(row["test_loss"]) for row in csv.DictReader(file)]
        self.assertEqual(result["best_test_error"], min(losses))
        self.assertIn("test loss ", out.getvalue())
        (read,) = runs.read_runs(self.folder).runs
        self.assertFalse(read.in_percent)

    def test_a_keras_loss_resumes_within_an_epoch_with_its_metrics_and_dropout(self):
        def rows(folder):
            with open(folder / "epochs.csv", newline="") as file:
                return [{**row, "seconds": ""} for row in csv.DictReader(file)]

        whole = self.folder.with_name("whole")
        self.run_quietly(dataset(), keras_learner(), 2, folder=whole)

        class Preempted(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                os.kill(os.getpid(), signal.SIGTERM)

        with self.assertRaisesRegex(preemption.Preempted, "epoch 1 after step 1"):
            self.run_quietly(dataset(), keras_learner(), 2, callbacks=[Preempted()])
        self.run_quietly(dataset(), keras_learner(), 2)
        self.assertEqual(rows(self.folder), rows(whole))
        with self.assertRaisesRegex(ValueError, "errors are: '%' there, 'loss' here"):
            self.run_quietly(dataset(), keras_learner(metrics=None), 3)

    def test_the_mode_of_a_monitored_accuracy_is_max_and_of_an_error_min(self):
        for monitor, mode in {
            "test_accuracy": "max",
            "val_acc": "max",
            "accuracy": "max",
            "val_error": "min",
            "inverse_loss": "min",
        }.items():
            callback = keras.callbacks.EarlyStopping(monitor)
            runner.prepare(callback)
            self.assertEqual(callback.mode, mode, monitor)

    def test_the_method_of_a_rule_is_its_name_or_its_class(self):
        result = self.run_quietly(dataset(), learner(HalfBP), 0)
        self.assertEqual(result["method"], "HalfBP")
        named = learners.rule("half")(type("Named", (HalfBP,), {}))
        self.assertEqual(results.method(named), "half")
        names = {rule: results.method(getattr(learners, rule)) for rule in learners.__all__}
        ours = {"AOSDTP": "ao_sdtp", "SDTP": "sdtp", "BP": "bp", "WeightMirror": "weight_mirror"}
        self.assertContainsSubset(ours.items(), names.items())

    def test_divergence_keeps_the_folder(self):
        diverging = learner()
        diverging.optimizer.learning_rate = 1e12
        with self.assertRaises(Diverged):
            self.run_quietly(dataset(), diverging, 3)
        self.assertTrue((self.folder / "operative.gin").exists())


class ProgressLinesTest(tf.test.TestCase):
    def lines(self, steps_left, seconds_a_step):
        """Lines of an epoch of 100 steps, of which some are left."""
        found = []
        now = [0.0]
        measured = Measured(learner(learners.BP))
        progress = ProgressLines(100, 9, measured, found.append, clock=lambda: now[0])
        # Of a resumed epoch Keras says that it is the last
        progress.set_params({"steps": steps_left, "epochs": 3})
        progress.on_epoch_begin(2)
        for step in range(steps_left):
            now[0] += seconds_a_step
            progress.on_train_batch_end(step, {"error": 12.5})
        return found

    def test_a_short_epoch_has_no_progress_lines(self):
        self.assertEmpty(self.lines(100, 0.1))

    def test_a_long_epoch_has_one_every_twenty_seconds_with_the_time_left(self):
        lines = self.lines(100, 1.0)
        self.assertLen(lines, 4)  # after 20, 40, 60 and 80; the epoch's own line ends it
        expected = "epoch 3/9, step 20/100  train error 12.50 % so far  80 s left of the epoch"
        self.assertEqual(lines[0], expected)

    def test_a_resumed_epoch_counts_from_its_beginning(self):
        self.assertStartsWith(self.lines(40, 1.0)[0], "epoch 3/9, step 80/100 ")

    def test_a_bar_is_one_line_of_a_terminal_of_80_columns(self):
        found, now = [], [0.0]
        measured = Measured(learner(learners.BP))
        bar = ProgressBar(1250, 500, measured, found.append, clock=lambda: now[0])
        bar.set_params({"steps": 1250})
        bar.on_epoch_begin(99)
        for step in range(0, 1250, 20):  # as many at a call, four calls a second
            now[0] += 0.25
            bar.on_train_batch_end(step + 19, {"error": 100.0})
        self.assertLen(found, 62)  # the last call's steps end the epoch
        expected = "epoch 100/500 [#########...........] 620/1250  train error 100.00 %  8 s left"
        self.assertEqual(found[30], expected)
        self.assertLess(max(map(len, found)), 80)

    def test_durations_have_a_unit_of_their_size(self):
        found = [duration(seconds) for seconds in (4.4, 99.0, 300.0, 9000.0)]
        self.assertEqual(found, ["4 s", "99 s", "5 min", "2.5 h"])


class ClosingLinesTest(tf.test.TestCase):
    def lines(self, paper_error=None, **row):
        rows = [{"epoch": 1, "test_error": 9.0, "train_error": 8.0, **row}]
        in_words = objectives.SoftmaxCrossEntropy().in_words
        return "\n".join(results.closing_lines(results.summarize(rows), in_words, paper_error))

    def test_the_paper_s_error_is_printed_beside_the_run_s(self):
        self.assertIn("test error 9.00 %  (paper, 500 epochs: 2.28 %)", self.lines(2.28))
        self.assertNotIn("paper", self.lines())

    def test_top_5_is_named_an_error(self):
        self.assertIn("test top-5 error 4.50 %", self.lines(test_top5_error=4.5))

    def test_data_are_the_paper_s_only_where_all_of_them_are_there(self):
        class Sized(data.Dataset):
            """A dataset of which only the sizes are known."""

            parts = ()

            def sizes(self):
                return [self.train_examples, *self.parts]

        for name, (examples, tests, shape) in PAPER_DATA.items():
            of = Sized(
                name=name,
                input_shape=shape,
                classes=10,
                batch_size=2,
                train_examples=examples,
                mean=np.float32(0),
                deviation=np.float32(1),
            )
            Sized.parts = (tests - 1,)
            self.assertFalse(is_paper_data(of, name))
            Sized.parts = (tests,)
            self.assertTrue(is_paper_data(of, name))
            held_out = dataclasses.replace(of, train_examples=examples - 7)
            self.assertFalse(is_paper_data(held_out, name))
            Sized.parts = (tests, 7)
            self.assertTrue(is_paper_data(held_out, name))
            Sized.parts = (tests,)
            self.assertFalse(is_paper_data(of, None))
            self.assertFalse(is_paper_data(of, "another"))
            for change in (
                {"name": "another"},
                {"name": f"npz:{name}.npz"},
                {"train_examples": examples - 1},
                {"input_shape": (9, 9, 1)},
            ):
                self.assertFalse(is_paper_data(dataclasses.replace(of, **change), name))


class OutputTest(tf.test.TestCase):
    def test_in_a_terminal_a_line_takes_the_place_of_the_bar(self):
        out = io.StringIO()
        out.isatty = lambda: True
        with contextlib.redirect_stdout(out):
            output = console.Output(True)
            output.overwrite("#" * 500)
            output.say("a line")
            output.clear()
        bar, clear = "#" * (shutil.get_terminal_size().columns - 1), "\r\033[K"
        self.assertEqual(out.getvalue(), f"{clear}{bar}{clear}a line\n{clear}")

    def test_a_line_is_printed_whatever_standard_output_can_hold(self):
        with io.TextIOWrapper(io.BytesIO(), "ascii") as out, contextlib.redirect_stdout(out):
            console.Output(True).say("-> é/\udcff")
            out.seek(0)
            self.assertEqual(out.read(), "-> \\xe9/\\udcff\n")

    def test_nothing_is_printed_unless_wanted_and_a_file_gets_no_bar(self):
        for wanted in (True, False):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                output = console.Output(wanted)
                output.say("a line")
            self.assertEqual((output.shows_bar, out.getvalue()), (False, "a line\n" * wanted))


if __name__ == "__main__":
    tf.test.main()
