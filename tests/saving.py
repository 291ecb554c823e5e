"""Saving a model to a `.keras` file, and loading it."""

import pathlib

import keras


def saved_and_loaded(test, model):
    """Returns the model saved and loaded again, by way of the temporary folder of `test`."""
    path = pathlib.Path(test.get_temp_dir()) / "model.keras"
    model.save(path)
    return keras.saving.load_model(path)
