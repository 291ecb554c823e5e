"""What things cost, as ratios measured in one run: `python -m benchmarks.<name>`."""

import tp_keras  # noqa: F401  settles TensorFlow's switches before TensorFlow is imported
