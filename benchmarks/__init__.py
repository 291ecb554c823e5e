"""What things cost, as ratios measured in one run: `python -m benchmarks.<name>`."""

import tp_keras  # noqa: F401  sets TensorFlow's options before TensorFlow is imported

import tensorflow as tf  # isort: skip

# A benchmark makes the same function for many candidates: TensorFlow takes that for retracing
tf.get_logger().setLevel("ERROR")
