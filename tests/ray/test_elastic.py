"""Another number of workers comes after a checkpoint of those there are."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.train import ScalingConfig
from ray.train.v2._internal.execution.scaling_policy import NoopDecision, ResizeDecision

from clism_ray.train.elastic import SaveFirst
from clism_ray.train.resize import asked_to_save, saved, stand_still, tell_saved

pytestmark = pytest.mark.ray

ONE, TWO = (SimpleNamespace(num_workers=number, start_time=0.0) for number in (1, 2))


class Cluster:
    """What the nodes have room for, and how often somebody asked for room on them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked = 0

    def maybe_send_resource_request(self, *_: object) -> None:
        self.asked += 1

    def reserved(self) -> dict[str, dict[str, float]]:
        return {"node": {"CPU": float(self.room)}}


def policy_on(cluster: Cluster, run: Path) -> SaveFirst:
    scaling = ScalingConfig(
        num_workers=(1, 3), resources_per_worker={"CPU": 1}, elastic_resize_monitor_interval_s=0
    )
    policy = SaveFirst(scaling, str(run))
    policy._coordinator_client = cluster
    policy._get_reserved_resources = cluster.reserved
    return policy


def test_more_workers_start_when_those_there_are_have_saved(tmp_path: Path) -> None:
    cluster = Cluster(room=1)
    policy = policy_on(cluster, tmp_path)
    decide = policy.make_decision_for_running_worker_group
    assert isinstance(decide(ONE, None), NoopDecision)
    assert not asked_to_save(tmp_path)
    cluster.room = 2
    assert isinstance(decide(ONE, None), NoopDecision)
    assert asked_to_save(tmp_path)
    before = cluster.asked
    assert isinstance(decide(ONE, None), NoopDecision)
    assert cluster.asked > before, "the room that is waited for goes to others"
    tell_saved(tmp_path)
    decision = decide(ONE, None)
    assert isinstance(decision, ResizeDecision)
    assert decision.num_workers == 2
    assert isinstance(decide(TWO, None), NoopDecision)
    assert not asked_to_save(tmp_path)


def test_workers_go_on_when_the_room_is_gone_or_the_run_is_to_stop(tmp_path: Path) -> None:
    cluster = Cluster(room=2)
    policy = policy_on(cluster, tmp_path)
    decide = policy.make_decision_for_running_worker_group
    decide(ONE, None)
    tell_saved(tmp_path)
    cluster.room = 1
    assert isinstance(decide(ONE, None), NoopDecision)
    assert not saved(tmp_path)
    stand_still(tmp_path)
    cluster.room = 2
    decide(ONE, None)
    tell_saved(tmp_path)
    (tmp_path / "stop").touch()
    stand_still(tmp_path)
    assert isinstance(decide(ONE, None), NoopDecision)
    assert not saved(tmp_path)
    assert isinstance(decide(ONE, None), NoopDecision)
    assert not asked_to_save(tmp_path)


def test_workers_that_die_before_they_save_are_asked_no_more(tmp_path: Path) -> None:
    policy = policy_on(Cluster(room=2), tmp_path)
    policy.make_decision_for_running_worker_group(ONE, None)
    assert asked_to_save(tmp_path)
    assert isinstance(policy.make_decision_for_non_running_worker_group(), ResizeDecision)
    assert not asked_to_save(tmp_path)
    decision = policy.make_decision_for_running_worker_group(TWO, None)
    assert isinstance(decision, NoopDecision)


def test_where_nobody_can_be_asked_workers_make_way_at_once(tmp_path: Path) -> None:
    policy = policy_on(Cluster(room=2), tmp_path / "gone")
    decision = policy.make_decision_for_running_worker_group(ONE, None)
    assert isinstance(decision, ResizeDecision)
