"""What is deleted while a run is under way is named, and what was not is as it was."""

import shutil
import tempfile
from unittest import mock

from command_line import CommandLine
from fakes import fake_images

from tp_keras import train
from tp_keras.experiment.callbacks import EpochCSVLogger

LEAF = "--gin_file=gin/mnist_fc_bp.gin"
SMALL = [f"--gin_bindings={b}" for b in ("build.dense = [7]", "data.load.batch_size = 64")]
COMPLETE = ("best.weights.h5", "epochs.csv", "operative.gin", "result.json", "checkpoints")


class DeletedUnderWayTest(CommandLine):
    def setUp(self):
        super().setUp()
        self.enterContext(fake_images())
        self.run_dir = self.folder / "run"

    def train(self, act=lambda: None, *flags):
        """Trains two epochs, and does something between them."""
        begin = EpochCSVLogger.on_epoch_begin

        def acting(logger, epoch, logs=None):
            if epoch == 1:
                act()
            begin(logger, epoch, logs)

        with mock.patch.object(EpochCSVLogger, "on_epoch_begin", acting):
            return self.run_main(LEAF, "--epochs=2", *SMALL, *flags)

    def test_a_run_folder_is_said_to_be_gone_and_not_made_again(self):
        status, _, err = self.train(lambda: shutil.rmtree(self.run_dir))
        self.assertEqual((status, err.count("\n")), (train.CANNOT_WRITE, 1), err)
        self.assertIn(f"{self.run_dir} (it is gone)", err)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_stands_in_place_of_a_run_folder_is_left_alone(self):
        def replace():
            shutil.rmtree(self.run_dir)
            self.run_dir.write_text("mine")

        status, _, err = self.train(replace)
        self.assertEqual((status, err.count("\n")), (train.CANNOT_WRITE, 1), err)
        self.assertIn(str(self.run_dir), err)
        self.assertEqual(self.run_dir.read_text(), "mine")

    def test_files_and_checkpoints_are_written_again(self):
        def delete():
            shutil.rmtree(self.run_dir / "checkpoints")
            for path in self.run_dir.iterdir():
                if path.name != "best.weights.h5":
                    path.unlink()

        status, out, err = self.train(delete)
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn("missing", out)
        self.assertIn("already complete", self.train()[1])
        self.assertContainsSubset(COMPLETE, [path.name for path in self.run_dir.iterdir()])

    def test_best_weights_are_named(self):
        no_better = "--gin_bindings=forward/adam.learning_rate = 1e-30"
        status, out, err = self.train((self.run_dir / "best.weights.h5").unlink, no_better)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out.count("best.weights.h5 is missing or damaged and cannot be"), 1)

    def test_the_folder_of_temporary_files_is_named(self):
        place = self.folder / "temporary"
        place.mkdir()
        with mock.patch.object(tempfile, "tempdir", str(place)):
            status, _, err = self.train(place.rmdir)
        self.assertEqual((status, err.count("\n")), (train.CANNOT_WRITE, 1), err)
        self.assertIn(f"{place}/", err)
        self.assertEqual(self.train()[0], 0)
