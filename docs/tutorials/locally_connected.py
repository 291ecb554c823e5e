# %% [markdown]
# # A locally connected layer in your own model
#
# A locally connected layer reads patches as a convolution does, but has weights of its own at
# every place: no weight is shared. Keras 3 has none; `tp_keras.layers.LocallyConnected2D` is an
# ordinary Keras layer, for any Keras model and plain `fit`.

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt

keras.utils.set_random_seed(0)
dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)


def model(local_layer):
    """A small classifier whose first layer is `local_layer`, compiled."""
    built = keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            local_layer,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    built.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return built


models = {
    "locally connected": model(
        tp_keras.layers.LocallyConnected2D(8, 5, strides=2, activation="relu")
    ),
    "convolution": model(keras.layers.Conv2D(8, 5, 2, "same", activation="relu")),
}
for name, built in models.items():
    kernel = built.layers[0].kernel
    print(f"{name:18} kernel {tuple(kernel.shape)}, {built.layers[0].count_params():,} weights")

# %%
local = models["locally connected"].layers[0]
before = local.kernel.numpy()
for name, built in models.items():
    history = built.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=4,
        shuffle=False,  # the batches come shuffled
        verbose=0,
    ).history
    print(f"{name:18} test accuracy {history['val_accuracy'][-1]:.3f}")

# %% [markdown]
# The kernel is laid out `(positions, filters, patch)`: one small matrix for each of the 14 x 14
# positions. Here is how training has changed the first filter at all of them. In the corners, where
# no digit is ever written, it has not.

# %%
# How far each weight of the first filter has moved, patch by patch
change = local.kernel.numpy() - before
patches = change.reshape(14, 14, 8, 5, 5)[:, :, 0]
mosaic = patches.transpose(0, 2, 1, 3).reshape(14 * 5, 14 * 5)
plt.figure(figsize=(5, 4), layout="constrained")
plt.imshow(mosaic, cmap="gray", vmin=-0.2, vmax=0.2)
plt.colorbar(label="change of the weight", extend="both")
plt.xticks([])
plt.yticks([])
plt.show()

# %% [markdown]
# The layer saves and loads with the model. To let it learn by another rule than backpropagation,
# put it into a `Network` ([how](../howto/network.md)). From Keras 2's layer: [what
# changes](../howto/keras2.md).
