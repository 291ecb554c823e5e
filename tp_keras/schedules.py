"""Schedules: which phases an epoch has, of inverses and of the network (section 2.1.2)."""

import gin
import keras


@gin.register(module="tp_keras.schedules")
class Parallel(keras.callbacks.Callback):
    """Both at every step, all gradients taken at the weights before it."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.enter("forward", "inverse")


@gin.register(module="tp_keras.schedules")
class Alternating(keras.callbacks.Callback):
    """An epoch of inverses, then an epoch of the network, and so on; each counts as one."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.enter("inverse" if epoch % 2 == 0 else "forward")


@gin.register(module="tp_keras.schedules")
class Mirror(keras.callbacks.Callback):
    """An epoch of the weight mirror alone, which counts; from then on both at every step."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.enter(*["forward"] * (epoch > 0), "mirror")
