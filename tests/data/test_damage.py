"""Damaged and missing data: one line that says where, and what to do."""

import json
import os
import pathlib
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from fakes import write_photos

from tp_keras import data
from tp_keras.data import places, shards
from tp_keras.data import tfds as sources

CLASSES = 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Photographs of two splits, five to a file, each of a class of its own."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, {"train": 12, "validation": 5}, classes=CLASSES)
    return folder


@pytest.fixture
def photos(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A dataset of images of one size with a train split alone and names of its own."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, {"train": 20})
    return folder


def write_digits(data_dir, splits, version="3.0.1", name="own_digits"):
    features = tfds.features.FeaturesDict(
        {
            "picture": tfds.features.Image(shape=(6, 5, 1)),
            "digit": tfds.features.ClassLabel(num_classes=4),
        }
    )
    folder = pathlib.Path(data_dir) / name / version
    folder.mkdir(parents=True)
    number = tfds.core.Version(version)
    identity = tfds.core.DatasetIdentity(name, number, data_dir=folder, module_name="")
    info = tfds.core.DatasetInfo(builder=identity, features=features)
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=8)
    writer.initialize_splits(list(splits))
    random = np.random.default_rng(0)
    for split, examples in splits.items():
        pictures = random.integers(0, 256, (examples, 6, 5, 1), np.uint8)
        records = [{"picture": x, "digit": i % 4} for i, x in enumerate(pictures)]
        writer.add_examples({split: records})
    writer.close_all()


def load(folder, **settings):
    asked = {"name": "imagenet2012", "image_size": 16, "batch_size": 4, **settings}
    return data.load(data_dir=str(folder), **asked)


def load_digits(folder, **settings):
    own = {"image_feature": "picture", "label_feature": "digit", "name": "own_digits"}
    return data.load(data_dir=str(folder), **{"batch_size": 4, **own, **settings})


def labels(batches):
    return [int(one) for _, y in batches for one in y.numpy().argmax(-1)]


def first_file(folder):
    return sorted(pathlib.Path(folder).rglob("*train.tfrecord*"))[0]


def replace_photo(file, number, content):
    """Puts other bytes in place of the photograph of a record, which stays a whole record."""

    def change(features):
        photo = features["image"].bytes_list
        photo.value[0] = content(photo.value[0])

    change_record(file, number, change)


def change_record(file, number, change):
    """Changes the features of a record; what `change` returns, if bytes, becomes the record."""
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    example = tf.train.Example.FromString(records[number])
    records[number] = change(example.features.feature) or example.SerializeToString()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)


BROKEN = {
    "cut off": lambda photo: photo[: len(photo) // 2],
    "empty": lambda photo: b"",
    "png": lambda photo: tf.io.encode_png(np.zeros((30, 30, 3), np.uint8)).numpy(),
    "gif": lambda photo: b"GIF89a" + photo[6:],
    "zeros": lambda photo: bytes(len(photo)),
    "header": lambda photo: photo[:60],
}


def refusal(act):
    with pytest.raises(ValueError) as caught:
        act()
    line = str(caught.value).partition("\n  In call to configurable")[0]
    assert "\n" not in line
    return line


@pytest.fixture
def quiet_tensorflow():
    """TensorFlow's own notes left out, as in a command."""
    level = tf.get_logger().level
    tf.get_logger().setLevel("ERROR")
    yield
    tf.get_logger().setLevel(level)


@pytest.mark.usefixtures("quiet_tensorflow")
def test_broken_photographs_are_named(photos, capfd):
    file, kept = first_file(photos), first_file(photos).read_bytes()
    for content in BROKEN.values():
        file.write_bytes(kept)
        replace_photo(file, 2, content)
        line = load(photos).damage()
        assert f"split train: {file.name} record 3 is damaged" in line and "\n" not in line
        assert "data.load.broken_photographs = 'skip'" in line and str(file.parent) in line
    dataset = load(photos)
    with pytest.raises(ValueError, match="record 3 is damaged"), dataset.naming_damage():
        labels(dataset.unaugmented_batches())
    assert capfd.readouterr().err == ""  # nothing from the decoder


def class_number(feature, number):
    """A change of a record to a class number, or to text or none in its place."""

    def change(features):
        features[feature].Clear()
        if isinstance(number, bytes):
            features[feature].bytes_list.value.append(number)
        elif number is not None:
            features[feature].int64_list.value.append(number)

    return change


RECORDS = {
    "below": ("stop", class_number("label", -1), "the class number is not within 0..999"),
    "above": ("skip", class_number("label", 1000), "the class number is not within 0..999"),
    "none": ("stop", class_number("label", None), "label"),
    "no record": ("stop", lambda _: b"\xff\xff\xff", "its content cannot be parsed"),
    "no image": ("skip", lambda features: features["image"].Clear(), "image"),
}


@pytest.mark.usefixtures("quiet_tensorflow")
@pytest.mark.parametrize("broken, change, words", RECORDS.values(), ids=RECORDS)
def test_records_without_a_class_or_an_image_are_named_and_not_skipped(
    photos, broken, change, words
):
    file = first_file(photos)
    change_record(file, 2, change)
    dataset = load(photos, broken_photographs=broken)

    def read():
        with dataset.naming_damage():
            labels(dataset.unaugmented_batches())

    line = refusal(read)
    assert f"split train: {file.name} record 3 is damaged (" in line and words in line
    assert "skip" not in line and "transformation" not in line


SMALL = tf.io.encode_png(np.zeros((3, 5, 1), np.uint8)).numpy()
DIGITS = {
    "below": (class_number("digit", -1), "the class number is not within 0..3"),
    "above": (class_number("digit", 4), "the class number is not within 0..3"),
    "no record": (lambda _: b"\xff\xff\xff", "its content cannot be parsed"),
    "small": (
        lambda features: features["picture"].bytes_list.value.__setitem__(0, SMALL),
        "[3,5,1] is not compatible with expected shape [6,5,1]",
    ),
}


@pytest.mark.parametrize("change, words", DIGITS.values(), ids=DIGITS)
def test_records_of_another_class_or_size_are_named(digits, tmp_path, change, words):
    shutil.copytree(digits, tmp_path / "digits")
    file = first_file(tmp_path / "digits")
    change_record(file, 2, change)
    line = refusal(lambda: load_digits(tmp_path / "digits", test_split="train"))
    assert f"split train: {file.name} record 3 is damaged (" in line and words in line


@pytest.mark.usefixtures("quiet_tensorflow")
def test_broken_photographs_are_skipped_and_counted(photos, capfd):
    file = first_file(photos)
    for number, name in zip((0, 2, 3), ("cut off", "empty", "png"), strict=True):
        replace_photo(file, number, BROKEN[name])
    dataset, left = load(photos, broken_photographs="skip"), [1, *range(4, 12)]
    assert labels(dataset.unaugmented_batches()) == left
    seen = labels(dataset.training_batches().take(3))
    assert len(seen) == 12 and set(seen) == set(left)
    assert dataset.broken == {f"{file.name}__{number}" for number in (0, 2, 3)}
    assert capfd.readouterr().err == ""


def test_where_nothing_is_broken_skipping_changes_nothing(photos):
    for part in ("test_batches", "training_batches"):
        found = [getattr(load(photos, broken_photographs=how), part)() for how in ("skip", "stop")]
        for one, other in zip(*(batches.take(2) for batches in found), strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_a_batch_without_an_intact_photograph_is_an_error_in_training_and_empty_in_a_test(photos):
    for file in sorted(photos.rglob("*.tfrecord*")):
        for number in range(shards.records_within(file)[0]):
            replace_photo(file, number, BROKEN["empty"])
    dataset = load(photos, broken_photographs="skip")
    assert labels(dataset.test_batches()) == []
    with pytest.raises(tf.errors.InvalidArgumentError, match="no photograph of a batch"):
        list(dataset.training_batches().take(1))


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[200] ^= 4
    file.write_bytes(content)


DAMAGES = {
    "truncated": (lambda file: file.write_bytes(file.read_bytes()[:-100]), "ends after record 4"),
    "emptied": (lambda file: file.write_bytes(b""), "ends after record 0 of 5"),
    "twice": (lambda file: file.write_bytes(2 * file.read_bytes()), "holds 10 records, not 5"),
    "longer": (
        lambda file: file.write_bytes(file.read_bytes() + b"x"),
        "has bytes after its last record, 1 of",
    ),
    "a pipe": (lambda file: (file.unlink(), os.mkfifo(file)), "cannot be read .it is a pipe or"),
    "missing": (lambda file: file.unlink(), "is missing"),
    "a folder": (lambda file: (file.unlink(), file.mkdir()), "is missing"),
}


@pytest.mark.parametrize("damage, words", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_of_photographs_is_named_before_anything_is_read(photos, damage, words):
    file = first_file(photos)
    damage(file)
    line = refusal(lambda: load(photos))
    assert re.search(rf"split train: {file.name} {words}", line) and "prepare it anew" in line


def test_a_file_that_cannot_be_read_is_named(photos):
    file = first_file(photos)
    file.unlink()
    file.symlink_to(file)
    line = refusal(lambda: load(photos))
    assert f"split train: {file.name} cannot be read (Too many levels of symbolic links)" in line


def test_a_flipped_bit_in_a_file_is_named(photos, digits, tmp_path):
    def read():
        dataset = load(photos)
        with dataset.naming_damage():
            labels(dataset.unaugmented_batches())

    flip_a_bit(first_file(photos))
    assert "split train" in refusal(read) and "record 1 is damaged" in refusal(read)
    assert "skip" not in refusal(read)  # which would not help with a broken file
    shutil.copytree(digits, tmp_path / "digits")
    flip_a_bit(first_file(tmp_path / "digits"))
    line = refusal(lambda: load_digits(tmp_path / "digits", test_split="train"))
    assert re.search("split train: .* record [12] is damaged .*prepare it anew", line)


def test_an_error_with_another_cause_is_raised_unchanged(photos):
    dataset = load(photos)
    with pytest.raises(tf.errors.InvalidArgumentError), dataset.naming_damage():
        raise tf.errors.InvalidArgumentError(None, None, "shapes do not match")


def test_records_are_counted_by_their_lengths(tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for length in (0, 3, 70):
            writer.write(b"x" * length)
    whole = path.read_bytes()
    ends = [16, 16 + 19, 16 + 19 + 86]
    assert len(whole) == ends[-1]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        count = sum(end <= size for end in ends)
        assert shards.records_within(path) == (count, size - [0, *ends][count])


def test_named_splits_and_features_are_read(digits):
    dataset = load_digits(digits, train_split="train[:14]", test_split="train[14:]")
    assert (dataset.train_examples, dataset.input_shape, dataset.classes) == (14, (6, 5, 1), 4)
    assert labels(dataset.test_batches()) == [i % 4 for i in range(14, 20)]


def test_parts_of_photographs_are_held_out_of_the_named_part(whole):
    dataset = load(whole, train_split="train[2:11]", test_split="train[:2]", validation_examples=3)
    assert labels(dataset.test_batches()) == [0, 1]
    assert labels(dataset.validation_batches()) == [8, 9, 10]
    assert set(labels(dataset.training_batches().take(1))) <= set(range(2, 8))
    assert dataset.sizes() == [6, 2, 3]


def test_missing_splits_and_features_are_named_with_what_there_is(digits, whole):
    for settings, words in (
        ({}, "test_split must be of train, or a part .* received 'test'"),
        ({"train_split": "nope"}, "train_split must be of train, .* received 'nope'"),
        ({"test_split": "train[5:5]"}, "test_split"),
        ({"test_split": "train[:"}, "test_split"),
        ({"test_split": "train", "label_feature": "label"}, "label_feature .* digit .ClassLabel."),
        ({"test_split": "train", "image_feature": "digit"}, "image_feature .* picture .Image."),
    ):
        assert re.search(words, refusal(lambda given=settings: load_digits(digits, **given)))
    assert "one split" in refusal(lambda: load(whole, train_split="train+validation"))


def test_a_folder_above_or_below_the_right_one_is_refused_with_the_right_one(digits):
    for wrong in (digits / "own_digits", digits / "own_digits/3.0.1", digits.parent):
        line = places.hint(str(wrong), "own_digits", None, "3.0.1")
        assert line.endswith(f"received {wrong}: {digits} holds it")
    assert places.hint(str(digits.parent.parent), "own_digits", None, "3.0.1") is None


def test_another_version_on_disk_is_named(tmp_path, monkeypatch):
    write_digits(tmp_path, {"train": 3, "test": 3}, version="3.0.0", name="mnist")
    monkeypatch.setattr(sources, "network_reachable", lambda: False)
    line = refusal(lambda: load_digits(tmp_path, name="mnist"))
    assert "3.0.0 and 3.0.1 is wanted" in line and "data.load.name = 'mnist:3.0.0'" in line
    assert load_digits(tmp_path, name="mnist:3.0.0", batch_size=1).train_examples == 3
    line = refusal(lambda: load_digits(tmp_path, name="mnist:1.0.0"))
    assert "'mnist:1.0.0'" in line and "cannot be loaded at version 1.0.0, only: 3.0.1" in line


@pytest.mark.parametrize("name", ["mnist_5k", "npz:own.npz"])
def test_an_image_size_is_refused_for_data_that_are_no_photographs(name):
    line = refusal(lambda: load(None, name=name))
    assert line.startswith("data.load.image_size") and name in line and "leave it out" in line


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", None])
def test_a_description_that_is_damaged_is_one_line(tmp_path, digits, name, content):
    shutil.copytree(digits, tmp_path / "digits")
    file = tmp_path / "digits/own_digits/3.0.1" / name
    file.unlink() if content is None else file.write_bytes(content)
    assert "own_digits" in refusal(lambda: load_digits(tmp_path / "digits", test_split="train"))


def info_of(folder):
    return next(pathlib.Path(folder).rglob(places.INFO))


def change_splits(folder, **fields):
    content = json.loads(info_of(folder).read_text())
    for split in content["splits"]:
        split.update({name: change(split) for name, change in fields.items()})
    info_of(folder).write_text(json.dumps(content))


@pytest.mark.parametrize("name", [places.INFO, "features.json", "label.labels.txt"])
def test_a_pipe_in_place_of_a_description_is_refused_and_not_waited_for(photos, name):
    file = info_of(photos).with_name(name)
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    assert refusal(lambda: load(photos)).startswith(f"{file} cannot be read (it is a pipe")


def test_a_file_that_the_description_leaves_out_is_named(photos):
    file = sorted(photos.rglob("*train.tfrecord*"))[-1]
    change_splits(photos, shardLengths=lambda split: split["shardLengths"][:-1])
    line = refusal(lambda: load(photos, test_split="train"))
    assert f"split train: {places.INFO} does not know of {file.name}; copy that file" in line


def test_names_of_files_that_cannot_be_made_are_those_of_the_description(photos):
    change_splits(photos, filepathTemplate=lambda _: "{NOPE}")
    assert f"split train: {places.INFO} is damaged (Could not format" in refusal(
        lambda: load(photos)
    )
    change_splits(photos, filepathTemplate=lambda _: "../../x")
    line = refusal(lambda: load(photos))  # what to remove is never above the dataset
    assert "x is missing" in line and line.endswith(
        f"or remove {info_of(photos).parent} and prepare it anew"
    )


def test_a_refused_description_is_named(photos):
    change_splits(photos, numBytes=lambda _: "x")
    assert refusal(lambda: load(photos)).endswith(
        f"; if {info_of(photos)} is damaged, copy it again"
    )
    folder = info_of(photos).parent
    info_of(photos).unlink()
    assert refusal(lambda: load(photos)).startswith(f"{folder} has no {places.INFO}: copy it there")


def test_brackets_in_the_path_of_the_data_are_no_pattern(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "a[bc]*d")
    assert load(tmp_path / "a[bc]*d").train_examples == 12


def test_the_newest_version_on_disk_is_the_one_of_the_greatest_number(tmp_path):
    for version in ("9.0.0", "10.0.0", "latest", "11.0.0.incompleteAB"):
        (tmp_path / "x" / version).mkdir(parents=True)
        (tmp_path / "x" / version / places.INFO).touch()
    assert places.versions(tmp_path / "x") == ["9.0.0", "10.0.0"]


def arrays(x, y, **settings):
    return data.from_arrays((x, y), test=(x[:5], y[:5]), batch_size=2, **settings).fingerprint


def test_a_fingerprint_is_equal_for_equal_data_alone(whole, photos):
    x, y = np.random.default_rng(0).integers(0, 256, (12, 4, 3), np.uint8), np.arange(12) % 3
    same = arrays(x, y)
    assert same == arrays(x.copy(), y.copy(), seed=3, name="other")  # of the data alone
    others = [arrays(x[:11], y[:11]), arrays(x[::-1], y), arrays(x, y[::-1])]
    others += [arrays(x.reshape(12, 3, 4), y), arrays(x, y, validation_examples=1)]
    assert all(other != same for other in others)
    before = load(photos).fingerprint
    assert before == load(whole).fingerprint
    replace_photo(first_file(photos), 0, BROKEN["png"])
    assert load(photos).fingerprint != before
