"""Exchanges numbers between workers, and between replicas, during training."""

import functools

import numpy as np
import tensorflow as tf

from tp_keras.distribution.strategy import is_multi_worker


def gather_from_workers(strategy: tf.distribute.Strategy, numbers: tuple) -> list[tuple]:
    """Returns the numbers of every worker, a row each.

    Every worker has to call it at the same step, with as many numbers.
    """
    if not is_multi_worker(strategy):
        return [tuple(numbers)]
    rows = _gathered(strategy)(tf.constant(numbers, tf.float64)).numpy().tolist()
    return [tuple(row) for row in rows[:: len(strategy.extended.worker_devices)]]


@functools.cache
def _gathered(strategy):
    def on_replica(numbers):
        replica = tf.distribute.get_replica_context()
        return replica.all_gather(numbers[tf.newaxis], axis=0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)])
    def gathered(numbers):
        rows = strategy.run(on_replica, args=(numbers,))
        return strategy.experimental_local_results(rows)[0]

    return gathered


def values_on_replicas(strategy: tf.distribute.Strategy, variables: list) -> list[list[float]]:
    """Returns the values of variables that differ between replicas: a row for each replica."""
    parts = [strategy.experimental_local_results(variable.value) for variable in variables]
    mine = [float(part) for replica in zip(*parts, strict=True) for part in replica]
    rows = np.reshape(gather_from_workers(strategy, mine), (-1, len(variables)))
    return rows.tolist()


def assign_on_replicas(strategy: tf.distribute.Strategy, variables: list, rows: list) -> None:
    """Assigns each replica its row; where their number has changed, the first gets the sum."""
    rows = np.asarray(rows, "float32")
    if len(rows) != strategy.num_replicas_in_sync:
        others = np.zeros((strategy.num_replicas_in_sync - 1, rows.shape[1]), "float32")
        rows = np.concatenate([rows.sum(0, keepdims=True), others])

    def assign():
        mine = tf.gather(rows, tf.distribute.get_replica_context().replica_id_in_sync_group)
        for i, variable in enumerate(variables):
            variable.assign(mine[i])

    tf.function(lambda: strategy.run(assign))()
