"""An autoencoder's outputs for the first test images (Figure 7)."""

import keras
import numpy as np

RECONSTRUCTIONS = "reconstructions.npz"


class Reconstructions(keras.callbacks.Callback):
    """Writes `reconstructions.npz` after training.

    It holds `inputs` and `reconstructions`, grey images `(examples, height, width)` on the scale
    that the network sees.

    Args:
      folder: The `RunDirectory`.
      batches: The test set; its first batch is kept.
    """

    def __init__(self, folder, batches):
        super().__init__()
        self.folder, self.batches = folder, batches

    def on_train_end(self, logs=None):
        images = next(iter(self.batches))[0].numpy()
        rebuilt = self.model.network(images).numpy()
        arrays = {"inputs": images, "reconstructions": rebuilt}
        grey = {name: x.reshape(images.shape[:3]) for name, x in arrays.items()}
        self.folder.write_with(RECONSTRUCTIONS, lambda path: np.savez(path, **grey))
