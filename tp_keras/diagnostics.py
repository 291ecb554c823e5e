"""Measures of a rule: angles to backpropagation, reconstructions, targets, saturation.

Switched on by `--gin_bindings="train.callbacks = [@Diagnostics]"`.
"""

import gin
import keras
import numpy as np
import tensorflow as tf

from tp_keras.layers.affine import Affine
from tp_keras.learners import BP
from tp_keras.scalars import whole

ANGLES = dict.fromkeys(("angle of update", "angle of error"), " to BP's (degrees)")
SATURATED = 0.9  # |tanh| above it: the slope is below a fifth of its largest


@gin.register(module="tp_keras.diagnostics")
class Diagnostics(keras.callbacks.Callback):
    """Writes `measure` of the first test batch to TensorBoard and to `diagnostics.csv`.

    A scalar for each layer there, here a row for each epoch and layer, with a column for each
    quantity, empty where a layer lacks it. The output's angles have no scalar: its error is the
    gradient of the loss under almost every rule.

    Args:
      every: Epochs from one measurement to the next, at least 1.

    Raises:
      ValueError: If `every` is less than 1.
    """

    def __init__(self, every=1):
        super().__init__()
        self.every = whole("Diagnostics.every", every, 1)

    def set_run(self, dataset, folder):
        """Takes the dataset whose first test batch is measured, and the `RunDirectory`.

        Raises:
          ValueError: If the folder holds a `diagnostics.csv` that is damaged.
        """
        self.dataset, self.folder = dataset, folder
        self._rows()

    def on_train_begin(self, logs=None):
        self.batch = next(iter(self.dataset.test_batches()))
        with self.folder.writing():
            self.writer = tf.summary.create_file_writer(str(self.folder.path))

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        measured = measure(self.model, *self.batch)
        with self.folder.writing(), self.writer.as_default(step=epoch + 1):
            for quantity, layers in measured.items():
                for l, value in layers.items():
                    if l < self.model.depth or quantity not in ANGLES:
                        # TensorBoard sorts groups by name: after errors and losses
                        title = f"of layers: {quantity}{ANGLES.get(quantity, '')}"
                        tf.summary.scalar(f"{title}/layer {l}", value)
            self.writer.flush()
        self._write_csv(epoch + 1, measured)

    def _write_csv(self, epoch, measured):
        """Adds the rows of an epoch to `diagnostics.csv`, in place of those of a killed start."""
        names = {quantity: quantity.replace(" ", "_") for quantity in measured}
        columns = ["epoch", "layer", *names.values()]
        rows = [row for row in self._rows() if int(row["epoch"]) < epoch]
        for l in range(1, self.model.depth + 1):
            values = {names[q]: f"{v[l]:.6g}" for q, v in measured.items() if l in v}
            rows.append({"epoch": epoch, "layer": l, **values})
        self.folder.write_rows("diagnostics.csv", columns, rows)

    def _rows(self):
        """The rows of `diagnostics.csv`, none where there is no such file."""
        try:
            rows = self.folder.read_rows("diagnostics.csv")
            whole = all(int(row["epoch"]) > 0 for row in rows)
        except (ValueError, KeyError):
            whole = False
        if not whole:
            raise ValueError(
                f"--run_dir holds a damaged file: {self.folder.path / 'diagnostics.csv'}; what it "
                "measured is in no checkpoint: remove it to go on without"
            )
        return rows

    def on_train_end(self, logs=None):
        with self.folder.writing():
            self.writer.close()


def measure(learner, x, y) -> dict[str, dict[int, float]]:
    """Quantities of every layer on one batch, by quantity and by layer.

      angle of update    between the rule's gradient of the kernel and BP's, in degrees
      angle of error     between delta[l] and BP's, in degrees, mean over examples
      reconstruction error    ||g(f(h[l-1])) - h[l-1]|| / ||h[l-1]||, no noise, of each inverse
      distance to target    ||h[l] - target[l]||, of each hidden layer of a target rule
      saturation    share of a hidden layer's units beyond +-0.9
      norm of activation, error, kernel    ||h[l]||, ||delta[l]||, the kernel's Frobenius norm

    Norms and distances are means over the batch. A quantity lacks the layers that have none.
    """
    network, L = learner.network, learner.depth
    with tf.GradientTape(persistent=True) as tape:
        record = network.record(x, tape)
    h, bp = record.h, BP(network, learner.objective)
    bp.task, y = learner.task, learner.task.labels(y, record.h[L].dtype)
    errors, expected = learner.errors(record, y), bp.errors(record, y)
    delta, backpropagated = deltas(record, errors), deltas(record, expected)
    updates, references = updates_of(record, errors), updates_of(record, expected)
    return {
        "angle of update": defined(angles(updates, references)),
        "angle of error": defined(angles(delta, backpropagated)),
        "reconstruction error": reconstruction_errors(learner, h),
        "distance to target": target_distances(learner, record, y),
        "saturation": {l: float(np.mean(np.abs(h[l]) > SATURATED)) for l in range(1, L)},
        "norm of activation": {l: norm(h[l]) for l in range(1, L + 1)},
        "norm of error": {l: norm(delta[l]) for l in delta},
        "norm of kernel": {l: norm(flat(kernels(f))) for l, f in network.f.items()},
    }


def deltas(record, errors):
    """Errors of the pre-activations, of the outputs of blocks that have none, by block."""
    return {l: record.delta(l, error) for l, error in errors.items()}


def updates_of(record, errors):
    """What each block's kernels descend under these errors, as a batch of one."""
    weights, network = record.network.trainable_variables, record.network
    found = dict(zip(map(id, weights), record.gradients(errors), strict=True))
    return {l: flat([found[id(w)] for w in kernels(f)]) for l, f in network.f.items()}


def kernels(f):
    """The weights of a block that multiply: an affine one's kernel, else all matrices."""
    if isinstance(f, Affine):
        return [f.kernel]
    return [w for w in f.trainable_variables if len(w.shape) > 1]


def flat(parts):
    """All numbers of some arrays, `(1, numbers)`."""
    return np.concatenate([np.zeros(0), *(np.ravel(part) for part in parts)])[None]


def reconstruction_errors(learner, h):
    """Relative error of every inverse on clean activations, by the layer that it inverts."""
    errors = {}
    for l, g in getattr(learner, "g", {}).items():
        response = learner.forward(l, h[l - 1]) if hasattr(learner, "forward") else h[l]
        errors[l] = norm(g(response) - h[l - 1]) / norm(h[l - 1])
    return errors


def target_distances(learner, record, y):
    """How far each hidden layer is from its target."""
    if not hasattr(learner, "targets"):
        return {}
    h, target = record.h, learner.targets(record, y)
    return {l: norm(h[l] - target[l]) for l in range(1, learner.depth)}


def angles(delta: dict, reference: dict) -> dict:
    """Mean angle in degrees between two errors of every layer; None where one has no direction."""
    return {l: mean_angle(np.asarray(delta[l]), np.asarray(reference[l])) for l in delta}


def mean_angle(u: np.ndarray, v: np.ndarray) -> float | None:
    """Mean angle of the examples `(batch, ...)` of `u` and `v` that are not zero, in degrees."""
    u, v = (x.reshape(len(x), -1).astype("float64") for x in (u, v))
    norms = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
    some = norms > 0
    if not some.any():
        return None
    cosines = np.sum(u * v, axis=1)[some] / norms[some]
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean())


def norm(x) -> float:
    """Mean over the batch of the Euclidean norms of `(batch, ...)`."""
    x = np.asarray(x)
    return float(np.linalg.norm(x.reshape(len(x), -1), axis=1).mean())


def defined(values: dict) -> dict:
    """The values that there are, by layer."""
    return {l: value for l, value in values.items() if value is not None}
