"""Batches of JPEG photographs that are read from disk."""

import pathlib
import tempfile

import numpy as np
import PIL.Image
import tensorflow as tf
from absl.testing import parameterized
from fakes import write_photos

from tp_keras import data
from tp_keras.data import jpegs


class PhotosTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        # Each a class of its own, so that labels say which photograph it is
        write_photos(cls.folder.name, {"train": 37, "validation": 11}, classes=40)

    def loaded(self, **settings):
        asked = {"name": "imagenet2012", "image_size": 16, "batch_size": 5, "flip": "left_right"}
        return data.load(data_dir=self.folder.name, **asked | settings)

    def shown(self, dataset, count, *start, **options):
        batches = dataset.training_batches(*start, **options).take(count)
        return [(x.numpy(), y.numpy().argmax(-1)) for x, y in batches]

    def test_epochs_differ_in_order_and_crops_and_repeat_no_photograph(self):
        dataset = self.loaded()
        self.assertEqual(dataset.steps_per_epoch, 7)
        shown = self.shown(dataset, 14)
        first, second = (np.concatenate([y for _, y in shown[i : i + 7]]) for i in (0, 7))
        self.assertEqual([len(set(first)), len(set(second))], [35, 35])
        self.assertNotAllEqual(first, second)
        self.assertGreater(np.mean(np.diff(first) != 1), 0.8)
        images = [
            dict(
                zip(
                    np.concatenate([y for _, y in shown[i : i + 7]]),
                    np.concatenate([x for x, _ in shown[i : i + 7]]),
                    strict=True,
                )
            )
            for i in (0, 7)
        ]
        common = images[0].keys() & images[1].keys()
        alike = [np.array_equal(images[0][k], images[1][k]) for k in common]
        self.assertLess(np.mean(alike), 0.1)

    def test_batches_from_any_step_on_are_those_of_an_uninterrupted_run(self):
        whole = self.shown(self.loaded(seed=3), 12)
        for expected, found in zip(
            whole[9:], self.shown(self.loaded(seed=3), 3, 1, 2), strict=True
        ):
            self.assertAllEqual(expected[0], found[0])
            self.assertAllEqual(expected[1], found[1])

    def test_the_order_does_not_depend_on_the_global_seed(self):
        orders = []
        for seed in (0, 5):
            tf.random.set_seed(seed)
            orders.append(np.concatenate([y for _, y in self.shown(self.loaded(), 7)]))
        self.assertAllEqual(*orders)

    def test_workers_share_every_batch_between_them(self):
        whole = self.shown(self.loaded(), 3)
        parts = [self.shown(self.loaded(), 3, shard=(i, 2)) for i in range(2)]
        for expected, one, other in zip(whole, *parts, strict=True):
            self.assertEqual([len(one[1]), len(other[1])], [2, 3])
            self.assertAllEqual(expected[0], np.concatenate([one[0], other[0]]))

    def test_test_batches_hold_the_central_square_of_every_photograph_in_order(self):
        dataset = self.loaded(batch_size=4)
        batches = list(dataset.test_batches())
        self.assertEqual([len(x) for x, _ in batches], [4, 4, 3])
        raw = list(dataset.builder.as_dataset("validation"))
        for record, image, y in zip(
            raw,
            np.concatenate([x for x, _ in batches]),
            np.concatenate([y for _, y in batches]),
            strict=True,
        ):
            photo = record["image"].numpy()
            side = round(0.875 * min(photo.shape[:2]))
            top, left = ((n - side) // 2 for n in photo.shape[:2])
            square = photo[top : top + side, left : left + side]
            bilinear = PIL.Image.Resampling.BILINEAR
            expected = np.asarray(PIL.Image.fromarray(square).resize((16, 16), bilinear)) / 255
            self.assertAllClose(expected, image, atol=0.02)  # JPEG decoded in part, and rounding
            self.assertEqual(record["label"], y.argmax())

    def test_half_of_the_photographs_are_mirrored(self):
        mirrored = []
        pairs = (self.shown(self.loaded(flip=flip), 42) for flip in (None, "left_right"))
        for (plain, numbers), (shown, same_numbers) in zip(*pairs, strict=True):
            self.assertAllEqual(numbers, same_numbers)
            for one, other in zip(plain, shown, strict=True):
                mirrored.append(not np.array_equal(one, other))
                self.assertAllEqual(one[:, ::-1] if mirrored[-1] else one, other)
        self.assertBetween(np.mean(mirrored), 0.36, 0.64)  # of 210; four deviations

    # Pillow's bilinear filter widens with the reduction, as TensorFlow's antialiasing does
    @parameterized.parameters((200, 310, 31), (50, 64, 48), (20, 17, 40))
    def test_photographs_are_resized_as_pillow_does(self, height, width, side):
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        jpeg = tf.io.encode_jpeg(noise, quality=95)
        found = jpegs.resized(jpeg, tf.constant([0, 0, height, width]), (side, side, 3))
        photo = PIL.Image.fromarray(tf.io.decode_jpeg(jpeg).numpy())
        expected = np.asarray(photo.resize((side, side), PIL.Image.Resampling.BILINEAR))
        # Pillow rounds to whole grey levels after the columns and after the rows; we do not
        self.assertAllClose(expected, found, atol=1.01)
        self.assertLess(np.mean(np.abs(expected - found)), 0.4)

    def test_held_out_photographs_are_not_trained_on(self):
        dataset = self.loaded(validation_examples=7)
        held_out = np.concatenate([y.numpy().argmax(-1) for _, y in dataset.validation_batches()])
        trained = np.concatenate([y for _, y in self.shown(dataset, 6)])
        self.assertLen(held_out, 7)
        self.assertEmpty(set(held_out) & set(trained))

    def test_pixels_lie_in_0_to_1_or_are_standardised_by_the_usual_means_and_deviations(self):
        unit = self.shown(self.loaded(), 1)[0][0]
        self.assertBetween(unit.min(), 0, 1)
        self.assertBetween(unit.max(), 0.5, 1)
        standard = self.shown(self.loaded(scaling="standardised"), 1)[0][0]
        expected = (unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        self.assertAllClose(expected, standard, atol=1e-5)

    def test_wrong_settings_get_one_line(self):
        for settings, message in (
            ({"image_size": 0}, "image_size must be at least 1, received 0"),
            ({"image_size": None}, "differ in size: say in data.load.image_size"),
            ({"crop_padding": 4}, "crop_padding must .* 0 beside an image_size, received 4"),
            ({"batch_size": 38}, "between 1 and the 37 training examples of imagenet2012"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                self.loaded(**settings)

    def test_missing_imagenet_is_refused_with_instructions(self):
        with tempfile.TemporaryDirectory() as empty:
            manual = pathlib.Path(empty) / "downloads/manual"
            for _ in range(2):  # the second time the folder is there, with other archives
                archives = "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar"
                with self.assertRaisesRegex(ValueError, f"{archives} into {manual}.*imagenette"):
                    data.load(name="imagenet2012", image_size=16, batch_size=5, data_dir=empty)
                manual.mkdir(parents=True, exist_ok=True)
                (manual / "train-images-idx3-ubyte.gz").touch()
