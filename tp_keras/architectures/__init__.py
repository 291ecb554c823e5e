"""Networks from the rows of Table 3, the autoencoder of the appendix, and Keras models."""

from tp_keras.architectures.keras_model import BY_LAYERS, keras_model
from tp_keras.architectures.keras_models import lenet, resnet20, vgg
from tp_keras.architectures.paper import autoencoder, build

__all__ = ["BY_LAYERS", "autoencoder", "build", "keras_model", "lenet", "resnet20", "vgg"]
