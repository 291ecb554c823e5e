"""The settings in which two runs of one experiment may differ.

Resuming, the record of a run and the report's cells of a table all read this list. It imports
nothing: the report never imports TensorFlow.
"""

# How long, where and how fast a run trains, and what is watched; beside them the seed, between the
# seeds of one cell, and the parameters of callbacks
MAY_CHANGE = (
    "train.epochs",
    "train.run_dir",
    "train.strategy",
    "train.num_devices",
    "train.wait_minutes",
    "train.deterministic",
    "train.steps_per_execution",
    "train.jit_compile",
    "train.checkpoint_steps",
    "train.checkpoint_minutes",
    "train.keep_checkpoints",
    "train.callbacks",
    "train.paper_error",
    "train.paper_dataset",
    "load.data_dir",
    "load.broken_photographs",
)
