"""From arrays to batches."""

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
    def test_an_epoch_shows_no_image_twice_and_the_next_has_another_order(self):
        dataset = loaded()
        self.assertEqual(dataset.steps_per_epoch, 6)
        shown = [np.concatenate([x for x, _ in batches(dataset, 6, epoch)]) for epoch in (0, 1)]
        known = {image.tobytes(): i for i, image in enumerate(dataset.train[0])}
        orders = [[known[np.rint(255 * x).astype(np.uint8).tobytes()] for x in s] for s in shown]
        self.assertEqual([len(set(order)) for order in orders], [48, 48])
        self.assertNotEqual(*orders)

    @parameterized.parameters({}, {"crop_padding": 2, "flip": "left_right"})
    def test_a_run_taken_up_at_any_step_sees_what_it_would_have_seen(self, **augmentation):
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
