"""Any Keras model, its way back replaced: `convert`, and `plain`, which undoes it."""

from tp_keras.conversion.convert import convert, plain

__all__ = ["convert", "plain"]
