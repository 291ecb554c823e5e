"""The configurations that a search tries, and how processes divide them."""

import contextlib
import io
import math
import pathlib
import tempfile

import gin
import optuna
import tensorflow as tf
from absl import logging
from optuna.distributions import CategoricalDistribution, FloatDistribution

from tp_keras import learners
from tp_keras.search import space, trials
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


class DrawTest(tf.test.TestCase):
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
        again.finish("test error", 12.5, pruned=False)
        self.assertEqual(self.opened().claim().number, 1)

    def test_the_best_is_the_one_of_least_error(self):
        found = self.opened()
        for error in (30.0, 10.0):
            found.claim().finish("test error", error, pruned=False)
        found.claim().fail("diverged in epoch 1")
        self.assertEqual(found.best().number, 1)
        self.assertIsNone(found.claim())

    def test_checkpoints_of_trials_that_ended_are_removed(self):
        complete, pruned, diverged, running = claims = [self.opened(4).claim() for _ in range(4)]
        for claim in claims:
            (claim.folder / "checkpoints").mkdir()
        complete.finish("test error", 10.0, pruned=False)
        pruned.finish("test error", 20.0, pruned=True)
        diverged.fail("diverged in epoch 1")
        self.assertEqual(list(self.folder.glob("*/checkpoints")), [running.folder / "checkpoints"])

    def test_a_larger_total_adds_trials(self):
        self.opened(1).claim().finish("test error", 30.0, pruned=False)
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
        first.finish("test error", 12.5, pruned=False)
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

    def test_another_search_is_refused(self):
        self.opened()
        with self.assertRaisesRegex(ValueError, "another search.*train.epochs: 3 there, 4 here"):
            self.opened(settings={"train.epochs": "4"})

    def test_an_unwritable_folder_is_refused(self):
        self.folder.touch()
        with self.assertRaisesRegex(ValueError, "--search_dir cannot be written"):
            self.opened()


if __name__ == "__main__":
    tf.test.main()
