# %% [markdown]
# # A ResNet by other rules
#
# `tp_keras.convert` takes any Sequential or Functional Keras model and returns a copy that learns
# by a rule of the feedback-alignment family, in Keras' own `fit`. Here it is a small residual
# network with batch normalisation.

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt
import numpy as np

dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)


def residual(x, filters, strides):
    """Two convolutions and a shortcut."""
    y = keras.layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
    y = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(y))
    y = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = keras.layers.BatchNormalization(momentum=0.9)(y)
    if strides > 1:
        x = keras.layers.Conv2D(filters, 1, strides)(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def resnet():
    """A ResNet of two blocks, new each time, with the same initial weights."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(dataset.input_shape)
    x = keras.layers.Conv2D(8, 3, 2, "same", activation="relu")(inputs)
    for filters, strides in ((8, 1), (16, 2)):
        x = residual(x, filters, strides)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


# %%
def train(model):
    """Keras' own training; returns the test accuracies."""
    optimizer = keras.optimizers.AdamW(3e-3, weight_decay=0.1)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=3,
        shuffle=False,  # the batches come shuffled
        verbose=0,
    ).history["val_accuracy"]


accuracies = {"stock Keras": train(resnet())}
models = {rule: tp_keras.convert(resnet(), rule) for rule in ("fa", "kolen_pollack")}
accuracies |= {rule: train(model) for rule, model in models.items()}
for name, values in accuracies.items():
    print(f"{name:14}", "  ".join(f"{value:.3f}" for value in values))

# %%
# Test accuracy of the stock network and of both rules over epochs
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
for (name, values), style in zip(accuracies.items(), ("o-", "s--", "^:"), strict=True):
    axis.plot(range(1, len(values) + 1), values, style, label=name)
axis.set(xlabel="epoch", ylabel="test accuracy", xticks=(1, 2, 3), ylim=(0, 1))
axis.legend()
plt.show()

# %% [markdown]
# Kolen-Pollack's feedback weights are trained like the forward ones and decay with them, by
# AdamW's weight decay: that is all it takes. `plain` gives stock layers back, with what was
# learned.

# %%
learned = tp_keras.plain(models["kolen_pollack"])
x, _ = next(iter(dataset.test_batches()))
difference = np.max(np.abs(learned(x) - models["kolen_pollack"](x)))
print(f"stock layers again: outputs differ by at most {difference:.0e}")
print(sorted({type(layer).__name__ for layer in learned.layers}))
