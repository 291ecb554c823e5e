"""Batches from arrays: order, augmentation, labels, what is refused."""

import os
import pathlib
import zipfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from fakes import fake_images

from tp_keras import data


def loaded(**settings):
    """The fake dataset: 50 images to train on, 28 to test on."""
    with fake_images(shape=(6, 5, 2), classes=3, examples=50):
        return data.load(**{"name": "mnist", "batch_size": 8} | settings)


def batches(dataset, count, *start):
    return [tuple(x.numpy() for x in b) for b in dataset.training_batches(*start).take(count)]


class DataTest(tf.test.TestCase, parameterized.TestCase):
    def test_an_epoch_has_no_image_twice_and_the_next_another_order(self):
        dataset = loaded()
        self.assertEqual(dataset.steps_per_epoch, 6)
        shown = [np.concatenate([x for x, _ in batches(dataset, 6, epoch)]) for epoch in (0, 1)]
        known = {image.tobytes(): i for i, image in enumerate(dataset.train[0])}
        orders = [[known[np.rint(255 * x).astype(np.uint8).tobytes()] for x in s] for s in shown]
        self.assertEqual([len(set(order)) for order in orders], [48, 48])
        self.assertNotEqual(*orders)

    @parameterized.parameters({}, {"crop_padding": 2, "flip": "left_right"})
    def test_batches_from_any_step_on_are_those_of_an_uninterrupted_run(self, **augmentation):
        dataset = loaded(seed=7, **augmentation)
        whole = batches(dataset, 14)
        for expected, found in zip(whole[9:], batches(dataset, 5, 1, 3), strict=True):
            self.assertAllEqual(expected[0], found[0])
            self.assertAllEqual(expected[1], found[1])

    def test_an_example_is_augmented_alike_whatever_the_batch_size(self):
        augmented = {"crop_padding": 2, "flip": "left_right"}
        small, large = (loaded(batch_size=n, **augmented) for n in (5, 10))
        one, other = (
            np.concatenate([x for x, _ in batches(dataset, dataset.steps_per_epoch)])
            for dataset in (small, large)
        )
        self.assertAllEqual(one, other)

    def test_augmentation_changes_with_the_epoch_and_leaves_the_test_set_alone(self):
        plain, augmented = loaded(), loaded(crop_padding=2, flip="up_down")
        firsts = [batches(dataset, 1, e)[0][0] for dataset in (plain, augmented) for e in (0, 1)]
        for i, one in enumerate(firsts):
            for other in firsts[:i]:
                self.assertNotAllClose(one, other)
        for one, other in zip(plain.test_batches(), augmented.test_batches(), strict=True):
            self.assertAllEqual(one[0], other[0])

    def test_held_out_images_are_the_last_and_not_augmented(self):
        dataset = loaded(validation_examples=9, crop_padding=2, flip="left_right")
        self.assertEqual(dataset.train_examples, 41)
        x = np.concatenate([x for x, _ in dataset.validation_batches()])
        whole = loaded()
        self.assertAllClose(whole.train[0][-9:] / 255, x)
        self.assertIsNone(whole.validation_batches())

    def test_standardised_images_have_mean_0_and_deviation_1(self):
        dataset = loaded(scaling="standardised", batch_size=50)
        x, _ = batches(dataset, 1)[0]
        self.assertAllClose([0, 1], [x.mean(), x.std()], atol=1e-5)

    def test_the_label_is_the_class_or_the_image(self):
        x, y = batches(loaded(), 1)[0]
        self.assertAllEqual(np.ones(8), y.sum(-1))
        self.assertEqual(y.shape, (8, 3))
        x, y = batches(loaded(label="image"), 1)[0]
        self.assertAllEqual(x.reshape(8, 60), y)

    @parameterized.parameters((True, 6, 2), (False, 7, 0))
    def test_the_last_batch_is_left_out_only_where_asked(self, drop, steps, skipped):
        dataset = loaded(drop_remainder=drop)
        self.assertEqual((dataset.steps_per_epoch, dataset.skipped_examples), (steps, skipped))
        shown = [len(x) for x, _ in batches(dataset, 2 * steps)]
        self.assertEqual(shown, 2 * ([8] * 6 + [2] * (steps - 6)))

    def test_the_training_set_can_be_read_once_as_it_is(self):
        dataset = loaded(crop_padding=2, flip="left_right", drop_remainder=True)
        x = np.concatenate([x for x, _ in dataset.unaugmented_batches()])
        self.assertAllClose(dataset.train[0] / 255, x)

    def test_wrong_settings_are_refused(self):
        for settings, message in (
            ({"flip": "vertical"}, "flip must be one of .*, received 'vertical'"),
            ({"crop_padding": -1}, "crop_padding must not be negative, .*, received -1"),
            ({"label": "text"}, "label must be one of .*, received 'text'"),
            ({"scaling": "no"}, "scaling must be one of .*, received 'no'"),
            ({"validation_examples": 50}, "between 0 and 49, received 50"),
            ({"batch_size": 51}, "between 1 and the 50 training examples of mnist, received 51"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                loaded(**settings)

    def test_data_that_nothing_can_be_learned_from_are_refused(self):
        constant = np.full((9, 4), 0.5), np.arange(9) % 3
        with self.assertRaisesRegex(ValueError, "pixels that differ: all .* are 0.5"):
            data.from_arrays(constant, constant, batch_size=3, scaling="standardised")
        one_class = np.zeros((9, 4)), np.zeros(9, int)
        with self.assertRaisesRegex(ValueError, "single class"):
            data.from_arrays(one_class, one_class, batch_size=3)


class FromArraysTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(0)
        self.x = random.integers(0, 256, (12, 5, 4, 2), np.uint8)
        self.y = np.arange(12) % 3

    def made(self, x=None, y=None, test=None, **settings):
        train = (self.x if x is None else x, self.y if y is None else y)
        return data.from_arrays(train, test=test or train, **{"batch_size": 4} | settings)

    def test_pixels_come_scaled_and_labels_one_hot(self):
        dataset = self.made(seed=1)
        self.assertEqual((dataset.input_shape, dataset.classes), ((5, 4, 2), 3))
        x, y = (np.concatenate(part) for part in zip(*dataset.test_batches(), strict=True))
        self.assertAllClose(self.x / 255, x)
        self.assertAllEqual(np.eye(3)[self.y], y)

    def test_every_example_is_trained_on_with_its_own_label(self):
        scaled = self.x / np.float32(255)
        known = {x.tobytes(): label for x, label in zip(scaled, self.y, strict=True)}
        shown = batches(self.made(seed=1), 3)
        self.assertLen({image.tobytes() for x, _ in shown for image in x}, 12)
        for x, y in shown:
            self.assertAllEqual([known[image.tobytes()] for image in x], y.argmax(-1))

    @parameterized.parameters(((12, 5, 4), (5, 4, 1)), ((12, 6), (6,)), ((12, 5, 4, 3), (5, 4, 3)))
    def test_floats_are_not_scaled_and_may_have_any_shape(self, shape, input_shape):
        x = np.random.default_rng(0).normal(size=shape)
        dataset = self.made(x, self.y[:, np.newaxis].astype(np.uint8))
        self.assertEqual(dataset.input_shape, input_shape)
        (found, _), *_ = dataset.test_batches()
        self.assertAllClose(x[:4].reshape(4, *input_shape), found)

    def test_wrong_arrays_are_refused_by_name(self):
        nan = np.where(np.arange(12)[:, None] == 7, np.nan, np.zeros((12, 6)))
        for arrays, message in (
            ({"x": self.x[:7]}, "train labels must be 7 class numbers.*shape \\(12,\\)"),
            ({"y": self.y * 1.0}, "train labels .* received float64"),
            ({"y": self.y - 1}, "must not be negative, received -1"),
            ({"x": self.x[0, 0, 0]}, "must be \\(examples, height, width, channels\\)"),
            ({"x": self.x.astype(int) * 2}, "integers from 0 to 510"),
            ({"x": self.x > 9}, "integers or floats, received bool"),
            ({"x": self.x.astype("m8[s]")}, "integers or floats, received timedelta64"),
            ({"y": self.y + 65536}, "labels must be below 65536, .*, received 65538"),
            ({"x": np.where(nan == 0, 0, 1e39)}, "train image 7 holds numbers that are not finite"),
            ({"x": nan}, "train image 7 holds numbers that are not finite"),
            ({"x": nan[:7], "y": self.y[:7], "test": (nan, self.y)}, "test image 7 .* not finite"),
            ({"test": (self.x[:, :3], self.y)}, "of one shape, received"),
            ({"test": (self.x / 255, self.y)}, "both be pixels or both floats"),
            (
                {
                    "x": nan[:7],
                    "y": self.y[:7],
                    "test": (nan[:7], self.y[:7]),
                    "flip": "left_right",
                },
                "flip are for images",
            ),
        ):
            with self.assertRaisesRegex(ValueError, message):
                self.made(**arrays)
        for pair in (None, self.x, "xy", {"x": self.x, "y": self.y}, (self.x, self.y, self.y)):
            with self.assertRaisesRegex(ValueError, "`train` must be a pair .*, received"):
                data.from_arrays(pair, test=(self.x, self.y), batch_size=2)
            with self.assertRaisesRegex(ValueError, "`test` must be a pair .*, received"):
                data.from_arrays((self.x, self.y), test=pair, batch_size=2)

    def test_masked_values_are_refused_and_a_mask_of_none_is_not(self):
        x, y = np.arange(24.0).reshape(6, 4), np.arange(6) % 3
        hidden = np.ma.masked_less(x, 3)
        for images, labels, name in (
            (hidden, y, "images"),
            (list(hidden), y, "images"),
            ([list(row) for row in hidden], y, "images"),
            (x, np.ma.masked_equal(y, 1), "labels"),
            (x, [0, 1, np.ma.masked, 0, 1, 2], "labels"),
        ):
            with self.assertRaisesRegex(ValueError, f"the train {name} must be whole, .* masked"):
                self.made(images, labels, batch_size=2)
            with self.assertRaisesRegex(ValueError, f"the test {name} must be whole, .* masked"):
                self.made(x, y, test=(images, labels), batch_size=2)
        found = self.made(np.ma.array(x), np.ma.array(y), batch_size=2)
        self.assertEqual(found.fingerprint, self.made(x, y, batch_size=2).fingerprint)

    def test_numbers_of_another_kind_are_refused_by_name(self):
        for name in ("batch_size", "validation_examples", "crop_padding", "seed"):
            for value in ("2", None, 2.0, True, [2], np.nan):
                with self.assertRaisesRegex(ValueError, f"{name} must be a whole number, received"):
                    self.made(**{"batch_size": 2, name: value})
        self.assertEqual(self.made(batch_size=np.int64(2)).steps_per_epoch, 6)
        with self.assertRaisesRegex(ValueError, "`drop_remainder` must be True or False"):
            self.made(batch_size=2, drop_remainder=None)
        with self.assertRaisesRegex(ValueError, "train images and labels must be arrays"):
            self.made([[1.0], [1.0, 2.0]], [0, 1], batch_size=2)
        for name in (None, "", "x" * 4001):
            with self.assertRaisesRegex(ValueError, "`name` must be text"):
                self.made(name=name)


class NpzTest(tf.test.TestCase):
    def test_an_archive_gives_the_batches_of_its_arrays(self):
        random = np.random.default_rng(0)
        x, y = random.integers(0, 256, (12, 5, 4), np.uint8), np.arange(12) % 3
        path = pathlib.Path(self.get_temp_dir()) / "own.npz"
        np.savez(path, x_train=x, y_train=y, x_test=x[:5], y_test=y[:5])
        settings = {"batch_size": 4, "seed": 2, "flip": "up_down"}
        found = batches(data.load(name=f"npz:{path}", **settings), 7)
        expected = batches(data.from_arrays((x, y), test=(x[:5], y[:5]), **settings), 7)
        for one, other in zip(found, expected, strict=True):
            self.assertAllEqual(one[0], other[0])
            self.assertAllEqual(one[1], other[1])

    def test_files_that_are_no_such_archive_are_refused_by_name(self):
        folder = pathlib.Path(self.get_temp_dir())
        lacking, broken = folder / "lacking.npz", folder / "broken.npz"
        np.savez(lacking, x_train=np.zeros((3, 2)))
        broken.write_text("PK not a zip")
        for path, message in (
            ("/no/such.npz", "there is no file /no/such.npz"),
            (lacking, "must hold x_train, y_train, x_test, y_test"),
            (broken, "no intact .npz archive"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                data.load(name=f"npz:{path}", batch_size=2)

    def test_an_archive_that_another_program_made_is_refused_by_name(self):
        path = pathlib.Path(self.get_temp_dir()) / "own.npz"
        x, y = np.arange(120, dtype=np.uint8).reshape(12, 10) // 9, np.arange(12) % 3
        np.savez_compressed(path, x_train=x, y_train=y, x_test=x, y_test=y)
        whole = path.read_bytes()
        begins, directory = whole.find(b"x_train.npy") + 11 + 20, whole.find(b"PK\x01\x02")
        damage = {
            "its bits": {begins + 9: whole[begins + 9] ^ 0xFF},
            "a password": {6: whole[6] | 1, directory + 8: whole[directory + 8] | 1},
            "a method": {8: 99, directory + 10: 99},
        }
        for changes in damage.values():
            content = bytearray(whole)
            for place, byte in changes.items():
                content[place] = byte
            path.write_bytes(content)
            with self.assertRaisesRegex(ValueError, "own.npz is no intact .npz archive .*"):
                data.load(name=f"npz:{path}", batch_size=2)
        for header in ("(" * 999, f"{{'descr':'|u1','fortran_order':False,'shape':({10**15},9)}}"):
            line = header.encode().ljust(1013) + b"\n"
            member = b"\x93NUMPY\x01\0" + len(line).to_bytes(2, "little") + line
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("x_train.npy", member)
            with self.assertRaisesRegex(ValueError, "own.npz is no intact .npz archive .*"):
                data.load(name=f"npz:{path}", batch_size=2)
        path.unlink()
        os.mkfifo(path)
        with self.assertRaisesRegex(ValueError, "own.npz is a folder, a pipe"):
            data.load(name=f"npz:{path}", batch_size=2)
