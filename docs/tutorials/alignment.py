# %% [markdown]
# # Why feedback aligns
#
# Feedback alignment (FA) carries errors back through random weights $B$ that never change. Its
# first steps in the lower layers are as good as random. It learns all the same, because the
# forward weights come to meet the feedback weights: the angle between its errors and
# backpropagation's falls. Let us watch it.

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt
import numpy as np
from tp_keras.diagnostics import measure

dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)
x, y = next(iter(dataset.test_batches()))
objective = tp_keras.objectives.SoftmaxCrossEntropy()


# %% [markdown]
# `diagnostics.measure` takes a learner and a batch, and returns, layer by layer, the angle
# between the rule's error $\delta_l$ and the one that backpropagation has at the same weights. 90
# degrees is what two random directions have; below 90 a step on that example goes downhill.


# %%
class Angles(keras.callbacks.Callback):
    """Keeps the angles of the errors before training and after every epoch."""

    def on_train_begin(self, logs=None):
        self.angles = [measure(self.model, x, y)["angle of error"]]

    def on_epoch_end(self, epoch, logs=None):
        self.angles.append(measure(self.model, x, y)["angle of error"])


def train(rule, epochs=8):
    """Trains a small network by a rule; returns the angles and the test errors."""
    keras.utils.set_random_seed(0)
    network = tp_keras.architectures.build(dataset.input_shape, classes=10, dense=[64, 64, 64])
    learner = rule(network, objective)
    learner.compile(optimizer=keras.optimizers.Adam(1e-3))
    angles = Angles()
    history = learner.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=epochs,
        callbacks=[angles],
        shuffle=False,  # the batches come shuffled
        verbose=0,
    ).history
    return angles.angles, history["val_error"]


rules = {"FA": tp_keras.learners.FA, "DFA": tp_keras.learners.DFA}
rules["sign-symmetry"] = tp_keras.learners.SignSymmetry
results = {name: train(rule) for name, rule in rules.items()}
for name, (angles, errors) in results.items():
    first, last = (np.mean([angles[i][l] for l in (1, 2, 3)]) for i in (0, -1))
    print(f"{name:14} angle {first:.0f} -> {last:.0f} degrees, test error {errors[-1]:.1f} %")

# %%
# Angles between each rule's errors and backpropagation's over epochs, a panel for each rule
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for axis, (name, (angles, _)) in zip(axes, results.items(), strict=True):
    for l, style in ((1, "-"), (2, "--"), (3, "-.")):
        axis.plot([angle[l] for angle in angles], style, color="black", label=f"layer {l}")
    axis.axhline(90, color="gray", linewidth=0.8)
    axis.text(8, 91, "right angle", color="gray", ha="right", fontsize="small")
    axis.set(title=name, xlabel="epoch", ylim=(0, 100))
axes[0].set_ylabel("angle to BP's error (degrees)")
axes[0].legend()
plt.show()

# %% [markdown]
# The curves of FA and DFA begin at about 90 degrees and fall: nothing in the rule asks for that,
# and no weight is copied. Sign-symmetry begins lower, because the signs of its feedback are the
# forward weights' own.
#
# In an experiment the same numbers go to TensorBoard and to `diagnostics.csv` with
# `--gin_bindings="train.callbacks = [@Diagnostics]"` ([commands](../commands.md)). The rules:
# [FA](../rules/fa.md), [DFA](../rules/dfa.md), [sign-symmetry](../rules/sign_symmetry.md).
