"""A model's way through a `.keras` file."""

import pathlib

import keras


def saved_and_loaded(test, model):
    """The model as another process would find it; `test` lends its temporary folder."""
    path = pathlib.Path(test.get_temp_dir()) / "model.keras"
    model.save(path)
    return keras.saving.load_model(path)
