"""A batch of all replicas, divided among them."""

import tensorflow as tf

from tp_keras.data.base import slice_of
from tp_keras.distribution.strategy import is_multi_worker


def distribute_dataset(strategy: tf.distribute.Strategy, batches):
    """Divides batches among replicas.

    Args:
      strategy: The strategy.
      batches: Called with `shard=(index, count)`; the `tf.data.Dataset` that holds slice `index`
        of `count` of every global batch.

    Returns:
      A dataset for `Model.fit`, each of whose elements is one global batch.
    """
    if strategy.num_replicas_in_sync == 1 and not is_multi_worker(strategy):
        return batches(shard=(0, 1))

    def worker_dataset(context):
        local = context.num_replicas_in_sync // context.num_input_pipelines
        mine = batches(shard=(context.input_pipeline_id, context.num_input_pipelines))
        # TensorFlow hands out whole elements, one to each replica in turn
        return mine.flat_map(
            lambda *batch: tf.data.Dataset.range(local).map(
                lambda i: tf.nest.map_structure(lambda x: slice_of(x, i, local), batch)
            )
        )

    return strategy.distribute_datasets_from_function(worker_dataset)
