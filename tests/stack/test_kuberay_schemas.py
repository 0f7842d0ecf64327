"""The manifests of `cluster/kuberay/` against KubeRay's definitions of its resources."""

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from tests.manifests import documents, problems, schema_of

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("CLISM_SCHEMAS" not in os.environ, reason="CLISM_SCHEMAS names no folder"),
]
KUBERAY = Path(__file__).resolve().parents[2] / "cluster" / "kuberay"


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    folder = Path(os.environ["CLISM_SCHEMAS"]) / "kuberay"
    kinds = ("RayCluster", "RayJob")
    return {kind: schema_of(folder / f"ray.io_{kind.lower()}s.yaml.gz") for kind in kinds}


def resource(file: str) -> dict[str, Any]:
    (found,) = (m for m in documents(KUBERAY / file) if m["apiVersion"] == "ray.io/v1")
    return found


def test_a_cluster_and_a_job_are_what_kuberay_takes(
    schemas: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    checked = [resource("cluster.yaml"), resource("job.yaml")]
    assert [m["kind"] for m in checked] == ["RayCluster", "RayJob"]
    assert [problems(manifest, schemas[manifest["kind"]]) for manifest in checked] == [[], []]
    with capsys.disabled():
        print("\nKubeRay's definitions take cluster.yaml (RayCluster) and job.yaml (RayJob)")


def test_the_pod_of_redis_is_a_pod(schemas: dict[str, Any]) -> None:
    head = schemas["RayCluster"]["properties"]["spec"]["properties"]["headGroupSpec"]
    (redis,) = (m for m in documents(KUBERAY / "base.yaml") if m["kind"] == "StatefulSet")
    template = redis["spec"]["template"]
    assert problems(template, head["properties"]["template"]) == []
    template["spec"]["containers"][0]["resource"] = {}
    assert problems(template, head["properties"]["template"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.workerGroupSpecs.0.groupName", None),  # required
        ("spec.workerGroupSpecs.0.maxReplica", 3),  # no such field
        ("spec.workerGroupSpecs.0.minReplicas", "two"),
        ("spec.authOptions.mode", "tokens"),
        ("spec.headGroupSpec.template.spec.containers.0.resources.limit", {}),
        ("spec.headGroupSpec.template.spec.securityContext.runAsNonRoot", "yes"),
    ],
)
def test_a_broken_manifest_is_found(schemas: dict[str, Any], path: str, value: Any) -> None:
    manifest = copy.deepcopy(resource("cluster.yaml"))
    node: Any = manifest
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        node = node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    found = problems(manifest, schemas["RayCluster"])
    assert len(found) == 1
    assert last in found[0] or str(value) in found[0]
