"""Layers h[l] = sigma(A h[l-1] + b), and the backward layer paired with any of them."""

from tp_keras.layers.affine import Affine
from tp_keras.layers.conv import Conv2D
from tp_keras.layers.dense import Dense
from tp_keras.layers.direct_feedback import DirectFeedback, Landing
from tp_keras.layers.feedback import Feedback
from tp_keras.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from tp_keras.layers.random_signs import RandomSigns
from tp_keras.layers.transpose import Transpose

__all__ = [
    "Affine",
    "Conv2D",
    "Dense",
    "DirectFeedback",
    "Feedback",
    "Landing",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "RandomSigns",
    "Transpose",
]
