"""Which processes train one network: what `TF_CONFIG` or SLURM says of them."""

import dataclasses
import json
import os
import re

import tensorflow as tf

FORM = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
HOST, PORT = re.compile(r"[^\s/]+"), re.compile(r"[1-9][0-9]{0,4}")
MOST_TASKS = 100_000
CHIEFS, TRAINING = ("chief", "master"), ("chief", "master", "worker")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes that train, the one that writes first.

    Args:
      addresses: "host:port" of each.
      names: What `TF_CONFIG` calls each, such as "chief 0" or "worker 1".
      index: Which of them this process is.
      gpus: How many GPUs of the machine are this process' own, or None where all are.
    """

    addresses: tuple[str, ...]
    names: tuple[str, ...]
    index: int
    gpus: int | None = None


def from_environment() -> Cluster | None:
    """Returns the cluster that this process is part of, None where it trains alone.

    Raises:
      ValueError: If `TF_CONFIG` or SLURM's variables are malformed or name a role that there is
        no use for.
    """
    if "TF_CONFIG" in os.environ:
        return _from_tf_config(os.environ["TF_CONFIG"])
    if "SLURM_PROCID" in os.environ:
        return _from_slurm()
    return None


def _from_tf_config(text):
    config = _parsed(text)
    if not config:
        return None
    cluster, task = config.get("cluster", {}), config.get("task", {})
    if not isinstance(cluster, dict) or not isinstance(task, dict) or not cluster or not task:
        raise ValueError(f"TF_CONFIG must have a cluster and a task, {FORM}, received {text!r:.80}")
    for job, addresses in cluster.items():
        if not isinstance(addresses, list) or not all(_is_address(a) for a in addresses):
            raise ValueError(
                f"TF_CONFIG must list the addresses of {job!r} as ['host:port', ...], received "
                f"{addresses!r:.80}"
            )
    _refuse_roles(cluster, task)
    own = _own_name(cluster, task)
    members = [(f"{job} {i}", a) for job in TRAINING for i, a in enumerate(cluster.get(job, ()))]
    names, addresses = zip(*members, strict=True)
    if len(set(addresses)) < len(addresses):
        twice = next(a for a in addresses if addresses.count(a) > 1)
        raise ValueError(f"TF_CONFIG must name each address once, received {twice!r} twice")
    return Cluster(addresses, names, names.index(own))


def _parsed(text):
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"TF_CONFIG must be JSON such as {FORM}, received {text!r:.80}")
    return config


def _is_address(text):
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    return bool(HOST.fullmatch(host) and PORT.fullmatch(port)) and int(port) < 65536


def _refuse_roles(cluster, task):
    role = task.get("type")
    if role == "evaluator":
        raise ValueError(
            "TF_CONFIG must give a task that trains, received 'evaluator': every run measures its "
            "test error itself"
        )
    if cluster.get("ps") or role == "ps":
        raise ValueError(
            "TF_CONFIG must name workers only, received 'ps': all replicas hold all weights, "
            "there are no parameter servers"
        )
    unknown = set(cluster) - {*TRAINING, "ps", "evaluator"}
    if unknown:
        raise ValueError(
            f"TF_CONFIG may name the jobs {', '.join(TRAINING)}, received {min(unknown)!r:.80}"
        )
    chiefs = sum(len(cluster.get(job, ())) for job in CHIEFS)
    if chiefs > 1:
        raise ValueError(f"TF_CONFIG must name one chief or master at most, received {chiefs}")


def _own_name(cluster, task):
    job, index = task.get("type"), task.get("index")
    size = len(cluster.get(job, ())) if isinstance(job, str) and job in TRAINING else 0
    if not size:
        named = ", ".join(name for name in TRAINING if cluster.get(name))
        named = named or f"{', '.join(TRAINING)}, and have an address in the cluster"
        raise ValueError(f"TF_CONFIG's task type must be one of {named}, received {job!r:.80}")
    if type(index) is not int or not 0 <= index < size:
        raise ValueError(
            f"TF_CONFIG's task index must be 0 to {size - 1}, for there are {size} of type "
            f"{job!r}, received {index!r:.80}"
        )
    return f"{job} {index}"


def _from_slurm():
    try:
        index = int(os.environ["SLURM_PROCID"])
        size = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))
    except ValueError as error:
        raise ValueError(
            "SLURM_PROCID and SLURM_STEP_NUM_TASKS must be whole numbers, received "
            f"{os.environ['SLURM_PROCID']!r:.60} and "
            f"{os.environ.get('SLURM_STEP_NUM_TASKS')!r:.60}"
        ) from error
    if not 0 <= index < size:
        raise ValueError(
            f"SLURM_PROCID must be 0 to SLURM_STEP_NUM_TASKS - 1 = {size - 1}, received {index}"
        )
    if size == 1:
        return None
    _refuse_endless_lists()
    gpus = len(tf.config.list_physical_devices("GPU"))
    # The resolver divides GPUs among tasks and fails where there are none: one each, never used
    some = {} if gpus else {"gpus_per_node": 1024, "gpus_per_task": 1, "auto_set_gpu": False}
    try:
        slurm = tf.distribute.cluster_resolver.SlurmClusterResolver(**some)
        addresses = tuple(slurm.cluster_spec().as_dict()["worker"])
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise ValueError(
            "SLURM's variables do not describe the tasks of a step (SLURM_STEP_NODELIST, "
            f"SLURM_STEP_TASKS_PER_NODE): {str(error).splitlines()[0]:.80}"
        ) from error
    names = tuple(f"worker {i}" for i in range(len(addresses)))
    own = slurm.num_accelerators().get("GPU", 0) if gpus else 0
    return Cluster(addresses, names, slurm.task_id, own)


def _refuse_endless_lists():
    """TensorFlow writes out every node and task, and would for hours where a number is damaged."""
    nodes = os.environ.get("SLURM_STEP_NODELIST", "")
    tasks = os.environ.get("SLURM_STEP_TASKS_PER_NODE", "")
    counts = [
        int(end) - int(begin) for begin, end in re.findall(r"([0-9]{1,99})-([0-9]{1,99})", nodes)
    ]
    counts += [int(number) for number in re.findall(r"[0-9]{1,99}", tasks)]
    if any(count > MOST_TASKS for count in counts):
        raise ValueError(
            f"SLURM_STEP_NODELIST and SLURM_STEP_TASKS_PER_NODE may name {MOST_TASKS} each, "
            f"received {nodes!r:.60} and {tasks!r:.60}"
        )
