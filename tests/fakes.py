"""Stand-ins for data that a test need not have."""

from unittest import mock

import numpy as np

from tp_keras import sources


def fake_images(shape=(28, 28, 1), classes=10, examples=192):
    """A patch under which every dataset is a few random images."""
    random = np.random.default_rng(0)

    def part(n):
        return random.integers(0, 256, (n, *shape), np.uint8), random.integers(0, classes, n)

    parts = {"train": part(examples), "test": part(examples // 2 + 3)}
    return mock.patch.object(sources, "read", lambda name, data_dir=None: (parts, classes))
