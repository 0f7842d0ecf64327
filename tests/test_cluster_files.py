"""The files of `cluster/`: each says what it starts and how, and none leaves a door open."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests import documents, pods

ROOT = Path(__file__).resolve().parent.parent
CLUSTER = ROOT / "cluster"
KUBERAY = sorted((CLUSTER / "kuberay").glob("*.yaml"))
SECRET = re.compile(r"password|secret|token|key", re.IGNORECASE)
SETTING = re.compile(r"\b(?:batch|length|optimizer|losses|masking|tokenizer|seed)\.\w+=|steps=")


def launch_files() -> list[str]:
    found = (path for path in CLUSTER.rglob("*") if path.is_file() and path.suffix != ".md")
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def heading(text: str) -> list[str]:
    """The comment that a file begins with, without the line for the shell."""
    lines = text.splitlines()
    lines = lines[1:] if lines[0].startswith("#!") else lines
    return lines[: next(n for n, line in enumerate(lines) if not line.startswith("#"))]


def heading_problem(text: str, path: str) -> str | None:
    """What is wrong with the first lines of a launch file, if anything."""
    said = heading(text)
    if not said or not re.match(r"# [A-Z]", said[0]):
        return "the first line does not say what it is"
    if not any(path in line for line in said):
        return "no command names it"
    return None


@pytest.mark.parametrize("path", launch_files())
def test_the_first_lines_say_what_it_starts_and_the_command(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert heading_problem(text, path) is None
    assert not SETTING.search(text), "a value of an experiment"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# Starts Ray.   sh cluster/a.sh\nset -e\n", False),
        ("#!/bin/sh\n# Starts Ray:\n#   sh cluster/a.sh\nset -e\n", False),
        ("#!/bin/sh\nset -e\n", True),
        ("# Starts Ray.   sh cluster/b.sh\nset -e\n", True),
    ],
)
def test_a_file_without_its_command_is_found(text: str, found: bool) -> None:
    assert bool(heading_problem(text, "cluster/a.sh")) is found


def test_the_index_names_every_file() -> None:
    index = (CLUSTER / "README.md").read_text(encoding="utf-8")
    names = [path.removeprefix("cluster/") for path in launch_files()]
    assert [name for name in names if f"`{name}`" not in index] == []


def pod_problems(pod: dict[str, Any]) -> list[str]:
    """What a pod may do that it need not, and what it does not say of its needs."""
    found = []
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        found.append("may run as root")
    if not pod.get("nodeSelector") and any("ray" in c["name"] for c in pod["containers"]):
        found.append("runs on any node")
    return found + [problem for c in pod["containers"] for problem in container_problems(c)]


def container_problems(container: dict[str, Any]) -> list[str]:
    resources, security = container.get("resources", {}), container.get("securityContext", {})
    problems = {
        "has no requests": not {"cpu", "memory"} <= resources.get("requests", {}).keys(),
        "has no limits": not {"cpu", "memory"} <= resources.get("limits", {}).keys(),
        "may become root": security.get("allowPrivilegeEscalation") is not False,
        "keeps capabilities": security.get("capabilities") != {"drop": ["ALL"]},
        "has an image of no version": not re.search(r":(?!latest$)[\w.-]+$", container["image"]),
    }
    for variable in container.get("env", []):
        plain = bool(SECRET.search(variable["name"])) and "value" in variable
        problems[f"has {variable['name']} in plain text"] = plain
    return [f"{container['name']} {problem}" for problem, there in problems.items() if there]


def test_pods_are_bounded_and_not_root() -> None:
    found = [pod for path in KUBERAY for manifest in documents(path) for pod in pods(manifest)]
    assert len(found) == 8
    submitter = [pod for pod in found if pod["containers"][0]["name"] == "ray-job-submitter"]
    assert [pod_problems(pod) for pod in found if pod not in submitter] == [[]] * 7
    assert [pod_problems(pod) for pod in submitter] == [["runs on any node"]]  # it only waits


def test_a_pod_that_may_too_much_is_found() -> None:
    env = [{"name": "REDIS_PASSWORD", "value": "x"}, {"name": "TOKEN", "valueFrom": {}}]
    pod = {"containers": [{"name": "ray-head", "image": "ray:latest", "env": env}]}
    assert pod_problems(pod) == [
        "may run as root",
        "runs on any node",
        "ray-head has no requests",
        "ray-head has no limits",
        "ray-head may become root",
        "ray-head keeps capabilities",
        "ray-head has an image of no version",
        "ray-head has REDIS_PASSWORD in plain text",
    ]


def ray_specs() -> list[dict[str, Any]]:
    found = [manifest for path in KUBERAY for manifest in documents(path)]
    return [
        m["spec"].get("rayClusterSpec", m["spec"]) for m in found if "ray.io" in m["apiVersion"]
    ]


def test_kuberay_clusters_take_the_token_and_the_ray_that_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    specs = ray_specs()
    assert [spec["authOptions"] for spec in specs] == [{"mode": "token"}] * 2
    assert {f"ray=={spec['rayVersion']}" for spec in specs} <= set(pins.splitlines())
    for spec in specs:
        groups = {group["groupName"]: group["labels"] for group in spec["workerGroupSpecs"]}
        assert groups == {"data": {"role": "data"}, "train": {"role": "train"}}
        assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_the_two_kuberay_files_have_the_same_workers() -> None:
    first, second = ray_specs()
    for spec in (first, second):
        for group in spec["workerGroupSpecs"]:
            del group["minReplicas"]  # a job waits for what it takes
    assert first["workerGroupSpecs"] == second["workerGroupSpecs"]
    assert first["headGroupSpec"] == second["headGroupSpec"]


def test_every_start_on_machines_has_the_token_and_a_dashboard_on_loopback() -> None:
    aws = yaml.safe_load((CLUSTER / "aws.yaml").read_text(encoding="utf-8"))
    starts = [*aws["head_start_ray_commands"], *aws["worker_start_ray_commands"]]
    texts = [text for text in starts if "ray start" in text]
    texts += [
        (CLUSTER / name).read_text(encoding="utf-8") for name in ("local/start.sh", "slurm.sh")
    ]
    assert len(texts) == 4
    for text in texts:
        assert "RAY_AUTH_MODE=token" in text
        assert "--head" not in text or "--dashboard-host 127.0.0.1" in text


def test_the_image_is_pinned_fetches_no_address_and_is_not_root() -> None:
    text = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users[-1:] == ["1000"]
    assert "constraints.txt" in text
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)
    assert not re.search(r"^ADD|curl |wget http", text, re.MULTILINE)
