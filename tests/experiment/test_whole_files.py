"""Files are written whole or not at all, on a full disk too, and never through a link."""

import os
import resource

import h5py
import keras
import numpy as np
import pytest

from tp_keras.experiment import checkpoint_files, whole_files
from tp_keras.experiment.lock import Lock
from tp_keras.experiment.run_directory import RunDirectory


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.layers.Input((40,)), keras.layers.Dense(50)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def in_a_child(action, limit):
    """The exit status of a process that may write files of so many bytes: 7 after an OSError."""
    pid = os.fork()
    if pid == 0:
        status = 9
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            action()
            status = 0
        except OSError:
            status = 7
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_weights_written_through_a_file_of_ours_are_those_that_keras_writes(model, tmp_path):
    whole_files.write_whole(tmp_path / "ours.weights.h5", model.save_weights)
    model.save_weights(tmp_path / "theirs.weights.h5")
    names = []
    with (
        h5py.File(tmp_path / "ours.weights.h5") as ours,
        h5py.File(tmp_path / "theirs.weights.h5") as theirs,
    ):
        theirs.visit(names.append)
        for name in names:
            if isinstance(theirs[name], h5py.Dataset):
                np.testing.assert_array_equal(ours[name][()], theirs[name][()])
    assert len(names) > 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ours.weights.h5", "theirs.weights.h5"]


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1])
def test_hdf5_survives_a_full_disk(model, tmp_path, share):
    path = tmp_path / "best.weights.h5"
    whole_files.write_whole(path, model.save_weights)
    before = path.read_bytes()
    limit = int(share * len(before)) - (share == 1)
    status = in_a_child(lambda: whole_files.write_whole(path, model.save_weights), limit)
    assert status == 7
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_deleted_is_an_oserror(tmp_path):
    with pytest.raises(OSError):
        whole_files.write_whole(tmp_path / "gone" / "epochs.csv", lambda p: p.write_text("x"))


def test_only_partial_files_of_our_own_form_of_name_are_removed(tmp_path):
    ours = tmp_path / ".partial.0123456789abcdef.epochs.csv"
    folder = tmp_path / ".partial.0123456789abcdee.ckpt-3"
    target = tmp_path / "target"
    others = [tmp_path / n for n in (".partial.mine", ".partial.0123.x", "target", "epochs.csv")]
    for path in [ours, *others]:
        path.write_text("x")
    folder.mkdir()
    (folder / "ckpt-3.index").write_text("x")
    link = tmp_path / ".partial.0123456789abcded.x"
    link.symlink_to(target)
    whole_files.remove_partials(tmp_path)
    assert set(tmp_path.iterdir()) == {*others, link}


def test_a_lock_follows_no_link_and_empties_no_file(tmp_path):
    target = tmp_path / "target"
    target.write_text("target")
    (tmp_path / ".lock").symlink_to(target)
    with pytest.raises(OSError):
        Lock(tmp_path / ".lock")
    with Lock(target) as lock:
        assert lock.held and not Lock(target).held
    assert target.read_text() == "target"
    assert Lock(target).held


@pytest.mark.parametrize("name", [".lock", "checkpoints"])
def test_a_run_folder_with_a_link_to_elsewhere_is_refused(tmp_path, name):
    run, target = tmp_path / "run", tmp_path / "target"
    run.mkdir()
    target.mkdir()
    (run / name).symlink_to(target)
    with pytest.raises(ValueError, match="must hold no links to other places"):
        RunDirectory(run, "BP.name = 'a'")
    assert not list(target.iterdir())


@pytest.mark.parametrize("name", [".lock", "operative.gin"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"cannot be written: .*{name} "):
        RunDirectory(tmp_path, "BP.name = 'a'")


@pytest.mark.parametrize("name", ["operative.gin", "epochs.csv", "anything"])
def test_a_run_folder_with_a_pipe_is_refused_without_reading_it(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"files and folders alone: .*{name} is neither"):
        RunDirectory(tmp_path, "BP.name = 'a'")


def test_a_partial_file_that_is_a_link_is_not_written_to(tmp_path):
    target = tmp_path / "target"
    target.write_text("target")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("operative.gin", "epochs.csv"):
        (run / f".partial.{name}").symlink_to(target)
        (run / name).symlink_to(target)
    (run / "operative.gin").unlink()
    with RunDirectory(run, "BP.name = 'a'") as folder:
        folder.write("epochs.csv", "epoch\n")
    assert target.read_text() == "target"
    assert not (run / "epochs.csv").is_symlink()


def test_only_checkpoints_of_our_own_form_of_name_are_removed(tmp_path):
    outside = tmp_path / "outside-7.index"
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    kept = [
        "ckpt-old.index",
        "ckpt-1.index.bak",
        "notes",
        "checkpoint",
        "ckpt-x.data-00000-of-00001",
    ]
    gone = [
        "ckpt-1.index",
        "ckpt-1.data-00000-of-00001",
        "ckpt-9.index",
        "ckpt-5.data-00000-of-00001",
    ]
    stay = ["ckpt-2.index", "ckpt-2.data-00000-of-00001", "ckpt-6.index"]
    for path in [outside, *(folder / n for n in kept + gone + stay)]:
        path.write_text(f'model_checkpoint_path: "{outside}"')
    (folder / "ckpt-3.index").symlink_to(outside)
    checkpoint_files.keep_newest(folder, 6, 2)
    assert {p.name for p in folder.iterdir()} == {*kept, *stay, "ckpt-3.index"}
    assert outside.exists()
    assert [p.name for p in checkpoint_files.prefixes(folder)] == ["ckpt-6", "ckpt-2"]
