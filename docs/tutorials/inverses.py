# %% [markdown]
# # Inverses seen
#
# Target propagation needs to know what a layer should have read in order to write something else.
# Its inverse $g_l$ learns that: from $h_l$ back to $h_{l-1}$. On a locally connected network both
# are images, so that one can look at them.

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt
from tp_keras.diagnostics import measure

keras.utils.set_random_seed(0)
dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)
network = tp_keras.architectures.build(
    dataset.input_shape, classes=10, local=[(3, 4, 2), (3, 8, 2)], dense=[64]
)
learner = tp_keras.learners.SDTP(
    network,
    tp_keras.objectives.SoftmaxCrossEntropy(),
    noise_stddev=0.1,
    inverse_activation="linear",
)
learner.compile(
    optimizer=keras.optimizers.Adam(5e-4), inverse_optimizer=keras.optimizers.Adam(2e-3)
)
for l in learner.g:
    print(f"g[{l}]: {network.f[l].out_shape} -> {network.f[l].in_shape}")

# %% [markdown]
# `rebuilt` runs a batch up to layer 2 and back through $g_2$. Before training the inverse is
# random.

# %%
x, y = next(iter(dataset.test_batches()))


def rebuilt():
    """The first layer's activations, and what the inverse of the second makes of the second's."""
    h = network.record(x).h
    return h[1].numpy(), learner.g[2](h[2]).numpy()


before, errors = rebuilt()[1], [measure(learner, x, y)["reconstruction error"]]
for _ in range(5):
    learner.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        shuffle=False,
        verbose=0,
    )
    errors.append(measure(learner, x, y)["reconstruction error"])
clean, after = rebuilt()

# %%
# Activations of layer 1 for six digits, and what the inverse makes of layer 2's
figure, axes = plt.subplots(3, 6, figsize=(8, 4.2), layout="constrained")
rows = {"h[1]": clean, "g[2](h[2])\nbefore": before, "g[2](h[2])\nafter": after}
for row, (name, images) in zip(axes, rows.items(), strict=True):
    row[0].set_ylabel(name)
    for axis, image in zip(row, images, strict=False):
        axis.imshow(image[..., 0], cmap="gray", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# How far the inverses are off, relative to what they rebuild: 1 is what an answer of zeros would
# have.

# %%
# Relative error of each inverse over epochs
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
for l, style in zip(learner.g, ("-", "--", ":"), strict=True):
    axis.plot([error[l] for error in errors], style, color="black", label=f"g[{l}]")
axis.set(xlabel="epoch", ylabel="relative error", ylim=(0, None))
axis.legend()
plt.show()
print({l: round(error, 2) for l, error in errors[-1].items()})

# %% [markdown]
# $g_L$, the inverse of the output layer, has 10 numbers to rebuild 64 from. This is the paper's
# reason for auxiliary outputs ([AO-SDTP](../rules/ao_sdtp.md)), and [DTP](../rules/dtp.md) has no
# $g_L$ at all. The difference in $\hat h_l = h_l - g(h_{l+1}) + g(\hat h_{l+1})$ takes such an
# error out of the target.
