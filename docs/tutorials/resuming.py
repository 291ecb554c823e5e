# %% [markdown]
# # Resuming, and two devices
#
# A run that is interrupted goes on with the same command, from its newest checkpoint. On the same
# number of devices it ends with the bits of a run that nothing interrupted; on another number, as
# here, it agrees to rounding.

# %%
import csv
import os
import signal
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt

folder = tempfile.mkdtemp()
command = [
    *[sys.executable, "-m", "tp_keras.train", "--gin_file=gin/quickstart.gin", "--epochs=3"],
    *[f"--run_dir={folder}/run", "--gin_bindings=build.dense = [64]"],
    "--gin_bindings=data.load.batch_size = 50",
]

# %% [markdown]
# The first start is told to stop (SIGTERM, as a cluster sends it) once it has printed its first
# epoch. It saves itself after the step that is running, and ends with status 143.

# %%
first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in first.stdout:
    print(line, end="")
    if line.startswith("epoch 1"):
        first.send_signal(signal.SIGTERM)
print("exit status", first.wait())

# %% [markdown]
# The same command goes on, here on two devices: parts of the CPU, GPUs where there are any. The
# batch is divided between them.

# %%
second = subprocess.run([*command, "--num_devices=2"], capture_output=True, text=True)
print(second.stdout + second.stderr + f"exit status {second.returncode}")

# %%
# Train and test error of the interrupted run over its epochs
with open(f"{folder}/run/epochs.csv", newline="") as file:
    rows = list(csv.DictReader(file))
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
epochs = [int(row["epoch"]) for row in rows]
axis.plot(epochs, [float(row["test_error"]) for row in rows], "o-", label="test")
axis.plot(epochs, [float(row["train_error"]) for row in rows], "s--", label="train")
axis.set(xlabel="epoch", ylabel="error in percent", xticks=epochs, ylim=(0, None))
axis.legend()
plt.show()
print("\n".join(sorted(os.listdir(f"{folder}/run"))))

# %% [markdown]
# What is guaranteed, and how it is tested: [Guarantees](../guarantees.md). Clusters: [how
# to](../howto/cluster.md).
