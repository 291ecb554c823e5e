# %% [markdown]
# # Alternating or parallel
#
# Inverses and network can learn at every step, or in turns of an epoch. The paper tries both: it
# finds alternating epochs more stable, parallel learning the more plausible. Here the same
# network learns by DTP under either schedule, for the same number of epochs of the *network*.

# %%
import tp_keras  # before keras, to silence TensorFlow

import keras
import matplotlib.pyplot as plt

dataset = tp_keras.data.load("mnist_5k", batch_size=50, seed=0)


def train(schedule, epochs):
    """Trains by DTP under a schedule; returns what Keras recorded."""
    keras.utils.set_random_seed(0)
    network = tp_keras.architectures.build(dataset.input_shape, classes=10, dense=[64, 64, 64])
    learner = tp_keras.learners.DTP(
        network, tp_keras.objectives.SoftmaxCrossEntropy(), noise_stddev=0.3, alpha=0.2
    )
    learner.compile(
        optimizer=keras.optimizers.Adam(1e-3), inverse_optimizer=keras.optimizers.Adam(1e-3)
    )
    return learner.fit(
        dataset.training_batches(),
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.test_batches(),
        epochs=epochs,
        callbacks=[schedule],
        shuffle=False,  # the batches come shuffled
        verbose=0,
    ).history


# %% [markdown]
# A schedule is a Keras callback that says which phases the coming epoch has. Alternating begins
# with the inverses, so that its network learns in every second epoch.

# %%
parallel = train(tp_keras.schedules.Parallel(), epochs=6)
alternating = train(tp_keras.schedules.Alternating(), epochs=12)
in_parallel, in_turns = parallel["val_error"], alternating["val_error"][1::2]
for epoch, errors in enumerate(zip(in_parallel, in_turns, strict=True), start=1):
    print(
        "epoch {} of the network: parallel {:5.2f} %, alternating {:5.2f} %".format(epoch, *errors)
    )

# %%
# Test errors of both schedules over the epochs of the network
figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.plot(range(1, 7), in_parallel, "o-", label="parallel")
axis.plot(range(1, 7), in_turns, "s--", label="alternating")
axis.set(xlabel="epochs of the network", ylabel="test error in percent", ylim=(0, None))
axis.legend()
plt.show()

# %% [markdown]
# One seed, few digits: this shows how to compare schedules, not which one wins. In tables an
# alternating epoch counts whichever phase it has, a [decision](../decisions.md) of ours.
# What the runs on all of MNIST show: [Reproduction](../reproduction.md).
