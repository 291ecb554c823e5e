"""The workers as `TF_CONFIG` and SLURM describe them: every role, and every mistake in one line."""

import json
import os
from unittest import mock

import pytest

from tp_keras.distribution import cluster

A, B, C = "node1:1000", "node2:1000", "node3:1000"
SLURM = {
    "SLURM_PROCID": "1",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_STEP_NODELIST": "node[07-08]",
    "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
}


def tf_config(jobs, job, index):
    return json.dumps({"cluster": jobs, "task": {"type": job, "index": index}})


def found(**environment):
    with mock.patch.dict(os.environ, environment):
        return cluster.from_environment()


@pytest.mark.parametrize(
    "jobs, job, index, place",
    [
        ({"worker": [A, B]}, "worker", 1, 1),
        ({"worker": [B, C], "chief": [A]}, "chief", 0, 0),
        ({"worker": [B, C], "chief": [A]}, "worker", 0, 1),
        ({"worker": [B, C], "chief": [A]}, "worker", 1, 2),
        ({"master": [A], "worker": [B]}, "master", 0, 0),
        ({"master": [A], "worker": [B]}, "worker", 0, 1),
        ({"chief": [A], "worker": [B], "evaluator": [C]}, "worker", 0, 1),
    ],
)
def test_every_training_role_has_an_index_of_its_own_and_the_chief_0(jobs, job, index, place):
    members = found(TF_CONFIG=tf_config(jobs, job, index))
    assert (members.index, members.names[place]) == (place, f"{job} {index}")
    assert members.addresses == (A, B, C)[: len(members.addresses)]
    assert len(members.addresses) == sum(len(jobs[j]) for j in jobs if j != "evaluator")


@pytest.mark.parametrize(
    "text, part",
    [
        ("[]", "must be JSON"),
        ("", "must be JSON"),
        ("{", "must be JSON"),
        ("3", "must be JSON"),
        ("[" * 10**5, "must be JSON"),
        ('{"cluster": {"worker": ["a:1"]}}', "a cluster and a task"),
        ('{"task": {"type": "worker", "index": 0}}', "a cluster and a task"),
        ('{"cluster": [], "task": {"type": "worker", "index": 0}}', "a cluster and a task"),
        (tf_config({"worker": A}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["node1"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["node1:99999"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["http://node1:1"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["node 1:1"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["node1:１"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": [A, A]}, "worker", 0), "each address once"),
        (tf_config({"worker": ["node1:1", "node1:01"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": ["node1:0"]}, "worker", 0), "addresses of 'worker'"),
        (tf_config({"worker": []}, "worker", 0), "and have an address in the cluster"),
        (tf_config({"evaluator": [A]}, "worker", 0), "and have an address in the cluster"),
        (tf_config({"worker": [A, B]}, "worker", 2), "index must be 0 to 1"),
        (tf_config({"worker": [A, B]}, "worker", -1), "index must be 0 to 1"),
        (tf_config({"worker": [A, B]}, "worker", "0"), "index must be 0 to 1"),
        (tf_config({"worker": [A, B]}, "chief", 0), "one of worker, received 'chief'"),
        (tf_config({"worker": [A, B]}, None, 0), "one of worker, received None"),
        (tf_config({"chief": [A, B]}, "chief", 0), "one chief or master at most, received 2"),
        (tf_config({"chief": [A], "master": [B]}, "chief", 0), "at most, received 2"),
        (tf_config({"chief": [A], "worker": [B]}, "evaluator", 0), "received 'evaluator'"),
        (tf_config({"worker": [A], "ps": [B]}, "worker", 0), "received 'ps'"),
        (tf_config({"worker": [A], "ps": [B]}, "ps", 0), "received 'ps'"),
        (tf_config({"worker": [A], "bee": [B]}, "worker", 0), "received 'bee'"),
    ],
)
def test_a_mistake_in_tf_config_is_named_in_one_line(text, part):
    with pytest.raises(ValueError) as error:
        found(TF_CONFIG=text)
    message = str(error.value)
    assert "TF_CONFIG" in message and part in message
    assert "\n" not in message and len(message) < 300


def test_without_a_cluster_there_is_none():
    assert found() is None
    assert found(TF_CONFIG="{}") is None
    assert found(SLURM_PROCID="0") is None


def test_the_tasks_of_a_slurm_step_are_the_workers():
    members = found(**SLURM)
    assert (members.addresses, members.index) == (("node07:8888", "node08:8888"), 1)


@pytest.mark.parametrize(
    "changes, part",
    [
        ({"SLURM_PROCID": "x"}, "whole numbers"),
        ({"SLURM_STEP_NUM_TASKS": ""}, "whole numbers"),
        ({"SLURM_PROCID": "2"}, "must be 0 to"),
        ({"SLURM_STEP_NODELIST": ""}, "do not describe"),
        ({"SLURM_STEP_TASKS_PER_NODE": "none"}, "do not describe"),
        ({"SLURM_PROCID": "9" * 5000}, "whole numbers"),
        ({"SLURM_STEP_NODELIST": "node[1-99999999]"}, "may name 100000 each"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x999999999)"}, "may name 100000 each"),
    ],
)
def test_a_mistake_in_slurm_s_variables_is_named_in_one_line(changes, part):
    with pytest.raises(ValueError) as error:
        found(**SLURM | changes)
    assert "SLURM" in str(error.value) and part in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300
