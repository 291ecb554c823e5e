"""A run is resumed from its newest intact checkpoint; other folders are refused."""

import json
import pathlib
import shutil
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from command_line import CommandLine
from fakes import fake_images

import tp_keras
from tp_keras.experiment import resume
from tp_keras.experiment.bindings import parse_bindings
from tp_keras.experiment.preemption import Preempted

pytestmark = pytest.mark.xdist_group("checkpoints")  # one worker trains the run that is copied
BP = "--gin_file=gin/mnist_fc_bp.gin"
SMALL = [f"--gin_bindings={b}" for b in ("build.dense = [7]", "data.load.batch_size = 32")]
STEPS = 6  # an epoch, of 192 fake images
PREEMPTED_AT_THE_END = mock.patch.object(
    resume.BackupAndResume, "on_epoch_end", side_effect=Preempted("enough")
)


class ReconstructionsTest(CommandLine):
    def test_they_are_written_again_from_the_checkpoint(self):
        leaf = ["--gin_file=gin/mnist_autoencoder_bp.gin", "--epochs=1", SMALL[1]]
        leaf += ["--gin_bindings=autoencoder.dense = [5]"]
        with fake_images():
            self.assertEqual(self.run_main(*leaf)[0], 0)
            path = self.folder / "run/reconstructions.npz"
            with np.load(path) as file:
                before = {name: file[name] for name in file.files}
            for damage in (b"", path.read_bytes()[:-30], None):
                path.unlink() if damage is None else path.write_bytes(damage)
                status, out, err = self.run_main(*leaf)
                self.assertEqual((status, err), (0, ""))
                self.assertIn("missing or damaged: reconstructions.npz; written again", out)
                with np.load(path) as file:
                    for name, array in before.items():
                        np.testing.assert_array_equal(file[name], array)
            self.assertIn("already complete", self.run_main(*leaf)[1])


class CheckpointsTest(CommandLine):
    trained = None

    def setUp(self):
        super().setUp()
        self.enterContext(fake_images())
        self.run_dir = self.folder / "run"
        if self.trained is None:  # once for all tests
            self.train(2)
            type(self).trained = pathlib.Path(tempfile.mkdtemp()) / "run"
            self.addClassCleanup(shutil.rmtree, self.trained.parent)
            shutil.copytree(self.run_dir, self.trained)
        else:
            shutil.copytree(self.trained, self.run_dir)

    def train(self, epochs, *flags):
        return self.run_main(BP, f"--epochs={epochs}", *SMALL, *flags)

    def checkpoint(self, step, suffix="data-00000-of-00001"):
        return self.run_dir / f"checkpoints/ckpt-{step}.{suffix}"

    def damage(self, step, suffix="data-00000-of-00001", keep=0.5):
        path = self.checkpoint(step, suffix)
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])

    def contents(self):
        return {p: p.read_bytes() for p in self.run_dir.rglob("*") if p.is_file()}

    def rows(self):
        """`epochs.csv` without its last column, the seconds."""
        lines = (self.run_dir / "epochs.csv").read_text().splitlines()
        return [line.rpartition(",")[0] for line in lines]

    def test_a_complete_run_is_left_alone(self):
        before = self.contents()
        for epochs in (2, 1):
            status, out, err = self.train(epochs)
            self.assertEqual((status, err), (0, ""))
            self.assertIn("already complete, 2 epochs", out)
            self.assertIn("best of 2 epochs", out)
        changed = {p.name for p, b in self.contents().items() if before.get(p) != b}
        self.assertLessEqual(changed, {"operative.gin"})  # it names the epochs asked for

    def test_more_epochs_continue_a_complete_run(self):
        status, out, _ = self.train(3)
        self.assertEqual(status, 0)
        self.assertIn("resumed in epoch 3 after step 0", out)
        continued = self.rows()
        self.assertEqual(self.train(3, f"--run_dir={self.folder / 'whole'}")[0], 0)
        self.run_dir = self.folder / "whole"
        self.assertEqual(self.rows(), continued)

    def test_without_checkpoints_a_complete_run_is_not_trained_again(self):
        tf.io.gfile.rmtree(str(self.run_dir / "checkpoints"))
        before = (self.run_dir / "epochs.csv").read_bytes()
        status, _, err = self.train(3)
        self.assertEqual((status, err.count("\n")), (2, 1), err)
        self.assertIn("no checkpoint to continue from", err)
        self.assertEqual((self.run_dir / "epochs.csv").read_bytes(), before)

    def test_a_damaged_checkpoint_is_skipped_with_a_line(self):
        expected = self.rows()
        for suffix, keep in [("data-00000-of-00001", 0.5), ("index", 0.5), ("index", 0.0)]:
            with self.subTest(suffix=suffix, keep=keep):
                (self.run_dir / "result.json").unlink()
                self.damage(2 * STEPS, suffix, keep)
                status, out, err = self.train(2)
                self.assertEqual((status, err), (0, ""))
                self.assertIn(f"ckpt-{2 * STEPS} is damaged", out)
                self.assertIn("resumed in epoch 2 after step 0", out)
                self.assertEqual(self.rows(), expected)

    def test_flipped_bits_are_found(self):
        data = bytearray(self.checkpoint(2 * STEPS).read_bytes())
        data[len(data) // 3] ^= 1
        self.checkpoint(2 * STEPS).write_bytes(data)
        _, out, _ = self.train(3)
        self.assertIn("is damaged", out)
        self.assertIn("resumed in epoch 2", out)

    def test_without_an_intact_checkpoint_nothing_is_overwritten(self):
        for step in (STEPS, 2 * STEPS):
            self.damage(step)
        before = {p: b for p, b in self.contents().items() if p.name != "operative.gin"}
        status, _, err = self.train(3)
        self.assertEqual((status, err.count("\n")), (2, 1), err)
        self.assertIn("no intact checkpoint", err)
        after = {p: b for p, b in self.contents().items() if p.name != "operative.gin"}
        self.assertEqual(before, after)

    def test_a_checkpoint_of_another_version_is_refused(self):
        with mock.patch.object(tp_keras, "__version__", "0.0.1"):
            status, _, err = self.train(3)
        self.assertEqual((status, err.count("\n")), (2, 1), err)
        self.assertIn(f"{tp_keras.__version__} there, 0.0.1 here", err)
        advice = f"go on with tp_keras {tp_keras.__version__}, or choose another folder to start"
        self.assertIn(advice, err)

    def test_a_checkpoint_of_another_experiment_is_refused(self):
        (self.run_dir / "operative.gin").unlink()  # as where the checkpoints alone were copied
        (self.run_dir / "result.json").unlink()
        status, _, err = self.train(3, "--seed=4")
        self.assertEqual((status, err.count("\n")), (2, 1), err)
        self.assertIn("another run", err)
        self.assertIn("seed", err)

    def test_a_folder_that_turns_read_only_gets_one_line(self):
        error = tf.errors.PermissionDeniedError(
            None, None, "{{function_node a}} ckpt-9; Read-only file system [Op:SaveV2]"
        )
        with mock.patch.object(tf.train.Checkpoint, "write", side_effect=error):
            status, _, err = self.train(3)
        self.assertEqual((status, err.count("\n")), (4, 1), err)
        self.assertIn("(ckpt-9; Read-only file system)", err)
        self.assertIn(str(self.run_dir), err)

    def test_the_files_of_a_complete_run_are_restored_from_its_checkpoint(self):
        names = ["operative.gin", "epochs.csv", "result.json", "last.weights.h5", "network.keras"]
        expected = self.rows()
        damages = {"emptied": lambda b: b"", "cut": lambda b: b[: len(b) // 2], "gone": None}
        for i, name in enumerate(names):
            for kind in list(damages)[i % 3 :][:1]:  # a training each: not all pairs
                with self.subTest(name=name, kind=kind):
                    path = self.run_dir / name
                    before = path.read_bytes()
                    path.unlink() if kind == "gone" else path.write_bytes(damages[kind](before))
                    status, _, err = self.train(2)
                    self.assertEqual((status, err), (0, ""))
                    self.assertEqual(self.rows(), expected)
                    self.assertAlmostEqual(path.stat().st_size, len(before), delta=64)

    def test_a_last_row_that_is_a_few_characters_short_is_damage(self):
        path = self.run_dir / "epochs.csv"
        before = path.read_bytes()
        path.write_bytes(before[:-2])  # which leaves a number, and a wrong one
        status, out, err = self.train(2)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("missing or damaged: epochs.csv; written again", out)
        self.assertEqual(path.read_bytes(), before)

    def test_an_operative_gin_that_is_no_text_is_written_again(self):
        path = self.run_dir / "operative.gin"
        # The first of these tests trains where it is, the others copy its run to a folder of theirs
        here = {"train.run_dir": repr(str(self.run_dir))}
        before = parse_bindings(path.read_text()) | here
        path.write_bytes(b"\xff\xfe\x00")
        self.assertEqual(self.train(2)[0], 0)
        self.assertEqual(parse_bindings(path.read_text()), before)

    def test_best_weights_are_written_again_or_named(self):
        path = self.run_dir / "best.weights.h5"
        path.write_bytes(path.read_bytes()[:1000])
        best = json.loads((self.run_dir / "result.json").read_text())["best_epoch"]
        status, out, err = self.train(2)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("missing or damaged: best.weights.h5", out)
        named = f"its weights, of epoch {best}, are in no checkpoint" in out
        self.assertEqual(named, best == 1)
        self.assertEqual(path.stat().st_size > 1000, best == 2)

    def test_without_checkpoints_damage_is_named_and_nothing_trained_again(self):
        shutil.rmtree(self.run_dir / "checkpoints")
        for name in ("last.weights.h5", "network.keras"):
            (self.run_dir / name).unlink()  # as launch/ leaves a finished run
        status, out, _ = self.train(2)
        self.assertEqual(status, 0)
        self.assertNotIn("damaged", out)
        (self.run_dir / "epochs.csv").write_text("")
        status, out, _ = self.train(2)
        self.assertEqual(status, 0)
        self.assertIn("missing or damaged: epochs.csv; left as it is", out)
        for name, content in [("result.json", "{"), ("operative.gin", "")]:
            path = self.run_dir / name
            before = path.read_text()
            path.write_text(content)
            status, _, err = self.train(2)
            self.assertEqual((status, err.count("\n")), (2, 1), err)
            self.assertIn(name, err)
            self.assertEqual(path.read_text(), content)
            path.write_text(before)

    def test_what_else_lies_among_checkpoints_is_ignored(self):
        folder = self.run_dir / "checkpoints"
        outside = self.folder / "ckpt-1.index"
        outside.write_text("contents")
        strays = {"ckpt-old.index": "", "ckpt-99.data-00000-of-00001": "", "ckpt-.index": ""}
        for content in ("", "\0garbage", f'model_checkpoint_path: "{outside.with_suffix("")}"'):
            strays["checkpoint"] = content
            for name, text in strays.items():
                (folder / name).write_text(text)
            (self.run_dir / "result.json").unlink()
            status, out, err = self.train(2)
            self.assertEqual((status, err), (0, ""))
            self.assertIn("resumed in epoch 3 after step 0", out)
            self.assertNotIn("damaged", out)
        self.train(5)  # enough epochs for old checkpoints to go
        self.assertEqual(outside.read_text(), "contents")
        self.assertTrue((folder / "ckpt-old.index").exists())

    def test_a_checkpoint_policy_must_be_positive(self):
        for binding in ("checkpoint_steps", "checkpoint_minutes", "keep_checkpoints"):
            self.assert_refused([BP, f"--gin_bindings=train.{binding} = 0"], binding, "received 0")

    def test_a_checkpoint_is_written_after_checkpoint_minutes(self):
        clock = mock.Mock(
            monotonic=iter(range(0, 5000, 50)).__next__
        )  # read once a step and a save
        with PREEMPTED_AT_THE_END, mock.patch.object(resume, "time", clock):
            bindings = ("checkpoint_minutes = 2.0", "steps_per_execution = 1")
            flags = [f"--gin_bindings=train.{binding}" for binding in bindings]
            self.train(1, *flags, f"--run_dir={self.folder / 'clock'}")
        found = [path.stem for path in (self.folder / "clock/checkpoints").glob("*.index")]
        self.assertEqual(found, ["ckpt-3"])  # after 150 seconds, and not after 50 and 100

    def test_a_folder_in_which_tensorflow_finds_no_checkpoint_is_refused(self):
        for name in ("a*", "a?", "[a]", "a\\b"):
            self.assert_refused([BP, *SMALL, f"--run_dir={self.folder / name}"], "--run_dir", "* ?")
            self.assertFalse((self.folder / name).exists())

    def test_a_rule_with_two_optimizers_is_resumed_with_both(self):
        sdtp = ["--gin_file=gin/mnist_fc_sdtp_parallel.gin", *SMALL]
        outcomes = []
        for epochs in ([2], [1, 2]):
            self.run_dir = self.folder / f"in {len(epochs)}"
            for number in epochs:
                status, _, err = self.run_main(
                    *sdtp, f"--epochs={number}", f"--run_dir={self.run_dir}"
                )
                self.assertEqual((status, err), (0, ""))
            outcomes.append(self.rows())
        self.assertEqual(*outcomes)
        self.assertIn("inverse_loss", outcomes[0][0])

    def test_an_epoch_cut_between_calls_of_many_steps_is_completed(self):
        tf.config.run_functions_eagerly(False)  # many steps in one call are a loop in a graph
        flags = [f"--gin_bindings=train.{b}" for b in ("steps_per_execution = 4", "seed = 1")]
        often = "--gin_bindings=train.checkpoint_steps = 1"
        self.run_dir = self.folder / "whole"
        self.train(1, *flags, f"--run_dir={self.run_dir}")
        expected = self.rows()
        self.run_dir = self.folder / "cut"
        cut = [*flags, often, f"--run_dir={self.run_dir}"]
        with PREEMPTED_AT_THE_END:
            self.assertEqual(self.train(1, *cut)[0], 143)
        _, out, _ = self.train(1, *cut)
        self.assertIn("resumed in epoch 1 after step 4", out)
        self.assertEqual(self.rows(), expected)

    def test_what_was_measured_before_is_kept(self):
        result = json.loads((self.run_dir / "result.json").read_text())
        self.train(3)
        longer = json.loads((self.run_dir / "result.json").read_text())
        self.assertEqual((result["epochs"], longer["epochs"]), (2, 3))
        self.assertGreater(longer["seconds"], result["seconds"])


if __name__ == "__main__":
    tf.test.main()
