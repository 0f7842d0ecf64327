"""`cluster/aws.yaml` as `ray up` and EC2 read it; nothing is started, no network is used."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from botocore.session import get_session
from botocore.validate import ParamValidator
from ray.autoscaler._private.util import prepare_config, validate_config

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]


def config() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "cluster/aws.yaml").read_text(encoding="utf-8"))
    return tree


def ec2_problems(node_config: dict[str, Any]) -> str:
    """What EC2's RunInstances would not take, as its own description of its parameters says."""
    asked = {key: value for key, value in node_config.items() if key != "SubnetIds"}  # Ray's own
    shape = get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
    report = ParamValidator().validate({"MinCount": 1, "MaxCount": 1, **asked}, shape)
    return str(report.generate_report())


def test_ray_up_takes_the_cluster() -> None:
    validate_config(prepare_config(config()))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"max_worker": 3}, "max_worker"),
        ({"head_node_type": "heads"}, "head_node_type"),
        ({"max_workers": "many"}, "many"),
    ],
)
def test_a_broken_cluster_is_found(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises((jsonschema.ValidationError, ValueError), match=complaint):
        validate_config(prepare_config({**config(), **change}))


def test_ec2_knows_every_parameter_of_a_node() -> None:
    kinds = config()["available_node_types"]
    assert {
        name: ec2_problems(kind["node_config"]) for name, kind in kinds.items()
    } == dict.fromkeys(kinds, "")
    broken = copy.deepcopy(kinds["head"]["node_config"])
    assert "InstanceTypes" in ec2_problems({**broken, "InstanceTypes": "m7i.large"})
    assert "VolumeSize" in ec2_problems(
        {**broken, "BlockDeviceMappings": [{"Ebs": {"VolumeSize": "big"}}]}
    )


def test_spot_comes_first_and_its_twin_at_the_full_price_after_it() -> None:
    kinds = config()["available_node_types"]
    for role in ("data", "train"):
        spot, full = kinds[f"{role}-spot"], kinds[f"{role}-on-demand"]
        assert spot["priority"] > full["priority"]
        assert spot["resources"] == full["resources"]
        assert (spot["labels"]["role"], full["labels"]["role"]) == (role, role)
        market = spot["node_config"].pop("InstanceMarketOptions")
        assert market == {"MarketType": "spot"}
        assert spot["node_config"] == full["node_config"]
