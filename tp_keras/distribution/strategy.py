"""The devices and hosts that train one network."""

import signal
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

import tensorflow as tf

from tp_keras.data.base import Dataset
from tp_keras.distribution.cluster import from_environment
from tp_keras.distribution.handshake import WorkerMissing, await_workers

STRATEGIES = ("auto", "default", "mirrored", "multi_worker")
# Parts of TensorFlow's messages when a process of several no longer answers
LOST_WORKER = (
    WorkerMissing,
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def create(
    name: str = "auto",
    num_devices: int | None = None,
    deterministic: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
    wait_minutes: float = 15.0,
    say: Callable[[str], None] = print,
) -> tf.distribute.Strategy:
    """Returns the strategy of that name; to be called before TensorFlow's first operation.

    Args:
      name: "default", one device; "mirrored", all devices of this machine; "multi_worker", all
        machines that `TF_CONFIG` or SLURM names; "auto", the largest of these that there is.
      num_devices: Devices of this machine to use: GPUs where there are any, else parts of the CPU.
      deterministic: Whether operations must give the same bits each time, also where that is slow.
      settings: What all workers have to be started with, by name.
      wait_minutes: How long to wait for the other workers.
      say: What to call with a line for the user while waiting.

    Raises:
      ValueError: If the name is none of these, there are not so many devices, `TF_CONFIG` or
        SLURM's variables are malformed, or the workers were started differently.
      WorkerMissing: If a worker does not come.
    """
    if name not in STRATEGIES:
        raise ValueError(f"--strategy must be one of {', '.join(STRATEGIES)}, received {name!r}")
    if not wait_minutes > 0:
        raise ValueError(f"train.wait_minutes must be positive, received {wait_minutes}")
    cluster = from_environment() if name in ("auto", "multi_worker") else None
    devices = _devices(num_devices)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if name == "auto":
        local = "mirrored" if len(devices) > 1 else "default"
        name = "multi_worker" if cluster and len(cluster.addresses) > 1 else local
    if name == "multi_worker":
        return _multi_worker(cluster, devices, settings, wait_minutes, say)
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


def _multi_worker(cluster, devices, settings, minutes, say):
    if cluster is None:
        raise ValueError(
            "--strategy=multi_worker needs TF_CONFIG, or to be started by SLURM's srun"
        )
    on_gpus = "GPU" in devices[0]
    if not on_gpus and len(devices) > 1:
        raise ValueError(
            "--num_devices must be 1 where several workers train without GPUs, received "
            f"{len(devices)}: the parts of a CPU cannot take part; start more workers instead"
        )
    count = min(len(devices), cluster.gpus or len(devices)) if on_gpus else 0
    await_workers(cluster, {**settings, "GPUs of a worker": str(count)}, minutes, say)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": count},
        rpc_layer="grpc",
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    _handle_signals_again()
    return strategy


def _handle_signals_again():
    """TensorFlow has installed a handler of its own for SIGTERM, which does nothing."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            if handler is not None:
                signal.signal(number, handler)


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
