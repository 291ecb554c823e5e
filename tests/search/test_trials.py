"""The configurations that a search tries, and how processes divide them."""

import contextlib
import io
import math
import pathlib
import resource
import shlex
import shutil
import tempfile
import warnings
from unittest import mock

import gin
import optuna
import tensorflow as tf
from absl import logging
from optuna.distributions import CategoricalDistribution, FloatDistribution

from tp_keras import learners
from tp_keras.experiment import config
from tp_keras.experiment.run_directory import CannotWrite
from tp_keras.search import best, space, trials
from tp_keras.train import configure

DOMAINS = {
    "rate": FloatDistribution(1e-5, 1e-1, log=True),
    "share": FloatDistribution(0.2, 0.6),
    "power": CategoricalDistribution((0.9, 0.99)),
}
SETTINGS = {"train.epochs": "3"}


class SpaceTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(gin.clear_config)
        gin.clear_config()
        configure(["gin/search/table4.gin"], [])

    def test_holds_table_4(self):
        domains = space.build_space(learners.DTP, True)
        for scope in ("forward", "inverse"):
            rate = domains[f"{scope}/adam.learning_rate"]
            self.assertEqual((rate.low, rate.high, rate.log), (1e-5, 3e-4, True))
            self.assertEqual(domains[f"{scope}/adam.beta_1"].choices, (0.9,))
            self.assertEqual(domains[f"{scope}/adam.beta_2"].choices, (0.99, 0.999))
            self.assertEqual(domains[f"{scope}/adam.epsilon"].choices, (1e-4, 1e-6, 1e-8))
        for name, low, high in [("DTP.alpha", 0.01, 0.2), ("DTP.noise_stddev", 0.01, 0.3)]:
            self.assertEqual((domains[name].low, domains[name].high), (low, high))
            self.assertFalse(domains[name].log)
        self.assertLen(domains, 10)

    def test_leaves_out_what_a_rule_does_not_read(self):
        bp, sdtp = space.build_space(learners.BP, False), space.build_space(learners.SDTP, True)
        self.assertEqual({name.split(".")[0] for name in bp}, {"forward/adam"})
        self.assertIn("SDTP.noise_stddev", sdtp)
        self.assertNotIn("SDTP.alpha", sdtp)

    def test_a_setting_is_drawn_once(self):
        domains = {"log_uniform": {}, "uniform": {"alpha": (0.1, 0.2)}, "choices": {"alpha": (1,)}}
        with self.assertRaisesRegex(ValueError, "draw a setting once, received 'alpha' twice"):
            space.build_space(learners.DTP, True, **domains)


class DrawTest(tf.test.TestCase):
    def test_a_negative_seed_is_a_seed_too(self):
        draws = [space.draw(DOMAINS, seed, 0) for seed in (-3, 3, -2)]
        self.assertNotIn(draws[0], draws[1:])
        self.assertEqual(draws[0], space.draw(DOMAINS, -3, 0))

    def test_a_trial_is_a_function_of_seed_and_number(self):
        first = space.draw(DOMAINS, seed=3, number=5)
        self.assertEqual(first, space.draw(DOMAINS, seed=3, number=5))
        self.assertNotEqual(first, space.draw(DOMAINS, seed=3, number=6))
        self.assertNotEqual(first, space.draw(DOMAINS, seed=4, number=5))

    def test_draws_fill_their_domains(self):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        draws = [space.draw(DOMAINS, 0, number) for number in range(200)]
        rates = [math.log10(draw["rate"]) for draw in draws]
        shares = [draw["share"] for draw in draws]
        # A mean of 200 uniform draws has a deviation of 0.02 of their interval
        self.assertAllClose(sum(rates) / 200, -3, atol=4 * 0.02 * 4)
        self.assertAllClose(sum(shares) / 200, 0.4, atol=4 * 0.02 * 0.4)
        self.assertTrue(-5 <= min(rates) < -4.8 and -1.2 < max(rates) <= -1)
        self.assertTrue(0.2 <= min(shares) < 0.22 and 0.58 < max(shares) <= 0.6)
        self.assertEqual({draw["power"] for draw in draws}, {0.9, 0.99})


class TrialsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp()) / "search"

        self.addCleanup(logging.set_verbosity, logging.get_verbosity())
        logging.set_verbosity(logging.INFO)

    def opened(self, total=3, settings=SETTINGS):
        return trials.Trials(self.folder, total, DOMAINS, settings, seed=1)

    def test_processes_that_share_a_folder_take_different_trials(self):
        one, other = self.opened(), self.opened()
        claims = [found.claim() for found in (one, other, one)]
        self.assertEqual([claim.number for claim in claims], [0, 1, 2])
        self.assertIsNone(other.claim())
        self.assertEqual(other.running(), 3)
        for claim in claims:
            self.assertEqual(claim.parameters, space.draw(DOMAINS, 1, claim.number))

    def test_a_killed_trial_is_run_again_with_the_same_parameters(self):
        killed = self.opened().claim()
        killed.lock.release()  # as the operating system does when a process ends
        again = self.opened().claim()
        self.assertEqual((again.number, again.parameters), (0, killed.parameters))
        again.finish("test error", 12.5, "12.50 %", pruned=False)
        self.assertEqual(self.opened().claim().number, 1)

    def test_the_best_is_the_one_of_least_error(self):
        found = self.opened()
        for error in (30.0, 10.0):
            found.claim().finish("test error", error, f"{error} %", pruned=False)
        found.claim().fail("diverged in epoch 1")
        self.assertEqual(found.best().number, 1)
        self.assertIsNone(found.claim())

    def test_checkpoints_of_trials_that_ended_are_removed(self):
        complete, pruned, diverged, running = claims = [self.opened(4).claim() for _ in range(4)]
        for claim in claims:
            (claim.folder / "checkpoints").mkdir()
        complete.finish("test error", 10.0, "10.00 %", pruned=False)
        pruned.finish("test error", 20.0, "20.00 %", pruned=True)
        diverged.fail("diverged in epoch 1")
        self.assertEqual(list(self.folder.glob("*/checkpoints")), [running.folder / "checkpoints"])

    def test_a_larger_total_adds_trials(self):
        self.opened(1).claim().finish("test error", 30.0, "30.00 %", pruned=False)
        self.assertIsNone(self.opened(1).claim())
        self.assertEqual(self.opened(2).claim().number, 1)

    def test_a_resumed_trial_is_not_pruned_at_epochs_that_it_has_reported(self):
        killed = self.opened().claim()
        killed.goes_on(1, 50.0)
        killed.lock.release()
        again = self.opened().claim()
        self.assertTrue(again.goes_on(1, 60.0))
        again.goes_on(2, 55.0)  # the least so far is still the first
        self.assertEqual(again.study.trials[0].intermediate_values, {1: 50.0, 2: 50.0})

    def test_a_journal_with_a_cut_last_line_is_used_without_it(self):
        first, second = [self.opened().claim() for _ in range(2)]
        first.finish("test error", 12.5, "12.50 %", pruned=False)
        second.goes_on(1, 50.0)
        second.lock.release()
        journal = self.folder / "journal.log"
        whole = journal.read_bytes()
        for cut in (1, 9, len(whole.splitlines()[-1])):  # the newline alone, a part, all but one
            journal.write_bytes(whole[:-cut])
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                again = self.opened().claim()
            self.assertIn(f"{journal}: dropped its last line", out.getvalue())
            self.assertEqual((again.number, again.parameters), (1, second.parameters))
            again.goes_on(1, 60.0)  # the report that was lost
            self.assertEqual(again.study.trials[1].intermediate_values, {1: 60.0})
            again.lock.release()
            self.assertEqual(self.opened().best().value, 12.5)

    def test_a_lock_that_a_killed_process_left_is_not_waited_for(self):
        self.opened()
        (self.folder / "journal.log.lock").symlink_to("nowhere/journal.log")  # Optuna's own
        (self.folder / "journal.lock").touch()
        self.opened().claim().finish("test error", 12.5, "12.50 %", pruned=False)
        self.assertEqual(self.opened().best().value, 12.5)

    def test_a_journal_with_a_damaged_line_is_named(self):
        self.opened()
        journal = self.folder / "journal.log"
        first, *rest = journal.read_bytes().splitlines(keepends=True)
        for line in (b"\0\0\n", b"[]\n", b"{\n", b"\xff\n", b"[" * 9999 + b"\n"):
            journal.write_bytes(b"".join([first, line, *rest]))
            with self.assertRaisesRegex(ValueError, "damaged file: .*journal.log, line 2"):
                self.opened()
        for line in (b"{}\n", b'{"op_code": 99}\n', b'{"op_code": 4, "study_id": 7}\n'):
            journal.write_bytes(line)
            with self.assertRaisesRegex(ValueError, "a journal of something else: .*journal.log"):
                self.opened()

    def test_links_are_not_followed(self):
        victim = self.folder.parent / "victim"
        (victim / "checkpoints").mkdir(parents=True)
        (victim / "text").write_text("mine")
        self.folder.mkdir()
        for name, target in (("0", victim), ("journal.log", victim / "text"), ("lock", "text")):
            (self.folder / name).symlink_to(target)
            with self.assertRaisesRegex(ValueError, f"--search_dir .*search/{name}"):
                self.opened()
            (self.folder / name).unlink()
        self.assertEqual((victim / "text").read_text(), "mine")

    def test_what_is_no_checkpoint_of_ours_stays(self):
        claim = self.opened().claim()
        checkpoints = claim.folder / "checkpoints"
        checkpoints.mkdir()
        for name in ("ckpt-3.index", "ckpt-3.data-00000-of-00001", "ckpt-old.index", "mine"):
            (checkpoints / name).touch()
        claim.finish("test error", 10.0, "10.00 %", pruned=False)
        self.assertEqual({path.name for path in checkpoints.iterdir()}, {"ckpt-old.index", "mine"})

    def test_a_folder_that_is_deleted_under_way_is_named(self):
        for act in (
            lambda claim: claim.goes_on(1, 50.0),
            lambda claim: claim.finish("test error", 10.0, "10.00 %", pruned=False),
            lambda claim: claim.fail("diverged"),
        ):
            claim = self.opened().claim()
            shutil.rmtree(self.folder)
            with self.assertRaisesRegex(CannotWrite, f"{self.folder} .it is gone"):
                act(claim)
        found = self.opened()
        shutil.rmtree(self.folder)
        with self.assertRaisesRegex(CannotWrite, f"{self.folder} .it is gone"):
            found.claim()

    def test_a_full_disk_leaves_a_search_that_goes_on(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        refused = 0
        for size in range(100, 6000, 700):
            claim = None
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
                if claim := self.opened().claim():
                    claim.goes_on(1, 50.0)
                    claim.finish("test error", 12.5, "12.50 %", pruned=False)
            except (ValueError, CannotWrite) as error:
                refused += 1
                self.assertIn(str(self.folder), str(error))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                if claim:
                    claim.lock.release()
        self.assertGreater(refused, 2)
        found = self.opened()
        while claim := found.claim():
            claim.finish("test error", 12.5, "12.50 %", pruned=False)
        self.assertEqual([trial.value for trial in self.opened().study.trials], [12.5] * 3)

    def test_choices_may_be_lists(self):
        choices = {"build.dense": ((16, 16), (9,)), "x/adam.epsilon": (1,)}
        with warnings.catch_warnings(record=True) as caught, space.quiet_optuna():
            domains = space.build_space(learners.BP, False, {}, {}, choices)
            for _ in range(2):  # the second reads what the first wrote
                claim = trials.Trials(self.folder, 1, domains, SETTINGS, seed=1).claim()
                self.assertIn(claim.parameters["build.dense"], ([16, 16], [9]))
                claim.lock.release()
        self.assertEmpty(caught)

    def test_another_search_is_refused(self):
        self.opened()
        with self.assertRaisesRegex(ValueError, "another search.*train.epochs: 3 there, 4 here"):
            self.opened(settings={"train.epochs": "4"})

    def test_an_unwritable_folder_is_refused(self):
        self.folder.touch()
        with self.assertRaisesRegex(ValueError, "--search_dir cannot be written"):
            self.opened()


class BestTest(tf.test.TestCase):
    def test_a_line_break_in_a_path_is_no_line_of_the_file(self):
        path = pathlib.Path("runs/a\nx = 1\rb/best.gin")
        found = mock.Mock(number=0, user_attrs={"error": "test error 1.00 %"}, params={"a.b": [1]})
        command = best.train_command(path, trusts_imports=True)
        self.assertEqual(shlex.split(command)[-2:], [f"--gin_file={path}", "--trust_gin_imports"])
        text = best.experiment_file(path, found, ["o'.gin"], ["c.d = 'x'"], "s\n.gin", 3, command)
        include, *bindings = config.statements(text)
        self.assertEqual(include.filename, "o'.gin")
        run_dir = "runs/a\nx = 1\rb/best/{seed}"
        self.assertEqual(
            [(one.selector, one.arg_name, one.value) for one in bindings],
            [("c", "d", "x"), ("a", "b", [1]), ("train", "run_dir", run_dir)],
        )


if __name__ == "__main__":
    tf.test.main()
