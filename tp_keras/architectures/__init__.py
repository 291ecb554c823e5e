"""Networks from the rows of Table 3, the autoencoder of the appendix, and Keras models."""

from tp_keras.architectures.keras_model import keras_model
from tp_keras.architectures.keras_models import lenet, resnet20, vgg
from tp_keras.architectures.paper import autoencoder, build

__all__ = ["autoencoder", "build", "keras_model", "lenet", "resnet20", "vgg"]
