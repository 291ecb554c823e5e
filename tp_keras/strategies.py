"""The devices that train one network, and what they tell each other."""

import functools
import json
import os

import numpy as np
import tensorflow as tf

from tp_keras.dataset import Dataset, slice_of

STRATEGIES = ("auto", "default", "mirrored", "multi_worker")
# How TensorFlow says that a process of several no longer answers
LOST_WORKER = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def create(
    name: str = "auto", num_devices: int | None = None, deterministic: bool = False
) -> tf.distribute.Strategy:
    """Returns the strategy of that name; to be called before TensorFlow's first operation.

    Args:
      name: "default", one device; "mirrored", all devices of this machine; "multi_worker", all
        machines that `TF_CONFIG` or SLURM names; "auto", the largest of these that there is.
      num_devices: Devices of this machine to use: GPUs where there are any, else parts of the CPU.
      deterministic: Whether operations must give the same bits each time, also where that is slow.

    Raises:
      ValueError: If the name is none of these, or there are not so many devices.
    """
    if name not in STRATEGIES:
        raise ValueError(f"--strategy must be one of {', '.join(STRATEGIES)}, received {name!r}")
    devices = _devices(num_devices)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if name == "auto":
        local = "mirrored" if len(devices) > 1 else "default"
        name = "multi_worker" if _worker_count() > 1 else local
    if name == "multi_worker":
        return _multi_worker()
    if name == "mirrored":
        # TensorFlow's collectives between parts of a CPU can be set up once a process only
        on_cpu = tf.distribute.ReductionToOneDevice() if "CPU" in devices[0] else None
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=on_cpu)
    return tf.distribute.get_strategy()


def _devices(number):
    if number is not None and number < 1:
        raise ValueError(f"--num_devices must be at least 1, received {number}")
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus:
        if (number or 1) > gpus:
            raise ValueError(f"--num_devices must be at most {gpus}, the GPUs, received {number}")
        return [f"GPU:{i}" for i in range(number or gpus)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    configured = tf.config.get_logical_device_configuration(cpu) or [None]
    if number is not None and number > len(configured):
        parts = [tf.config.LogicalDeviceConfiguration()] * number
        tf.config.set_logical_device_configuration(cpu, parts)
    return [f"CPU:{i}" for i in range(number or 1)]


def _worker_count():
    cluster = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {})
    slurm = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) if "SLURM_PROCID" in os.environ else 1
    return sum(len(cluster.get(job, ())) for job in ("chief", "worker")) or slurm


def _multi_worker():
    if "TF_CONFIG" in os.environ:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    elif "SLURM_PROCID" in os.environ:
        resolver = _slurm()
    else:
        raise ValueError(
            "--strategy=multi_worker needs TF_CONFIG, or to be started by SLURM's srun"
        )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def _slurm():
    gpus = len(tf.config.list_physical_devices("GPU"))
    # The resolver divides GPUs among tasks and fails where there are none: one each, never used
    some = {} if gpus else {"gpus_per_node": 1024, "gpus_per_task": 1, "auto_set_gpu": False}
    slurm = tf.distribute.cluster_resolver.SlurmClusterResolver(**some)
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        slurm.cluster_spec(),
        task_type=slurm.task_type,
        task_id=slurm.task_id,
        num_accelerators=slurm.num_accelerators() if gpus else {"GPU": 0},
        rpc_layer="grpc",
    )


def refuse_unfit(strategy: tf.distribute.Strategy, dataset: Dataset, jit_compile: bool) -> None:
    """Raises ValueError where replicas cannot share a batch evenly, or XLA cannot span them."""
    replicas = strategy.num_replicas_in_sync
    if dataset.batch_size % replicas:
        raise ValueError(
            f"data.load.batch_size must be a multiple of the {replicas} replicas, received "
            f"{dataset.batch_size}"
        )
    rest = dataset.train_examples % dataset.batch_size
    if not dataset.drop_remainder and rest % replicas:
        raise ValueError(
            f"data.load.drop_remainder must be True where {replicas} replicas cannot share the "
            f"last {rest} examples of an epoch evenly"
        )
    if jit_compile and replicas > 1:
        raise ValueError(f"train.jit_compile works on one device only, received {replicas}")


def is_multi_worker(strategy: tf.distribute.Strategy) -> bool:
    """Whether other processes train the same network."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes."""
    return not is_multi_worker(strategy) or strategy.cluster_resolver.task_id == 0


def deal(strategy: tf.distribute.Strategy, batches):
    """Deals batches out to replicas.

    Args:
      strategy: The strategy.
      batches: Called with `shard=(index, count)`; the `tf.data.Dataset` that holds slice `index`
        of `count` of every global batch.

    Returns:
      A dataset for `Model.fit`, each of whose elements is one global batch.
    """
    if strategy.num_replicas_in_sync == 1 and not is_multi_worker(strategy):
        return batches(shard=(0, 1))

    def of_this_worker(context):
        local = context.num_replicas_in_sync // context.num_input_pipelines
        mine = batches(shard=(context.input_pipeline_id, context.num_input_pipelines))
        # TensorFlow hands out whole elements, one to each replica in turn
        return mine.flat_map(
            lambda *batch: tf.data.Dataset.range(local).map(
                lambda i: tf.nest.map_structure(lambda x: slice_of(x, i, local), batch)
            )
        )

    return strategy.distribute_datasets_from_function(of_this_worker)


def everywhere(strategy: tf.distribute.Strategy, numbers: tuple) -> list[tuple]:
    """What every process says; each has to ask at the same step, with as many numbers."""
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
    """What variables that differ between replicas hold: a row a replica, all of them everywhere."""
    parts = [strategy.experimental_local_results(variable.value) for variable in variables]
    mine = [float(part) for replica in zip(*parts, strict=True) for part in replica]
    rows = np.reshape(everywhere(strategy, mine), (-1, len(variables)))
    return rows.tolist()


def assign_on_replicas(strategy: tf.distribute.Strategy, variables: list, rows: list) -> None:
    """Gives each replica back its row; where their number has changed, the first gets the sum."""
    rows = np.asarray(rows, "float32")
    if len(rows) != strategy.num_replicas_in_sync:
        others = np.zeros((strategy.num_replicas_in_sync - 1, rows.shape[1]), "float32")
        rows = np.concatenate([rows.sum(0, keepdims=True), others])

    def assign():
        mine = tf.gather(rows, tf.distribute.get_replica_context().replica_id_in_sync_group)
        for i, variable in enumerate(variables):
            variable.assign(mine[i])

    tf.function(lambda: strategy.run(assign))()
