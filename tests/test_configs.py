"""Every configuration loads, and its first line is the command that runs it."""

import re
from pathlib import Path

import pytest

from clism_ray import config_file
from clism_ray.config import PretrainConfig
from clism_ray.config_alignment import ScoreAlignersConfig
from clism_ray.config_corpus import PrepareConfig, SynthesizeConfig
from clism_ray.config_sweep import SweepConfig
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig

ROOT = Path(__file__).resolve().parent.parent
KINDS = {  # folder in configs/ and name of the job -> what it reads
    "synthesize": SynthesizeConfig,
    "prepare": PrepareConfig,
    "pretrain": PretrainConfig,
    "sweep": SweepConfig,
    "finetune": FinetuneConfig,
    "evaluate": EvaluateConfig,
    "align": ScoreAlignersConfig,
}
JOBS = {
    "evaluate": "evaluate_xsl",
    "align": "score_aligners",
}  # where the job is not called like the folder
# All that a configuration may ask the environment for.
VARIABLES = {"CLISM_DATA": "/data", "ENCODER": "/encoder"}
COMMAND = re.compile(
    r"# (?:[A-Z][A-Z0-9_]*=\S+ )*python (?P<job>jobs/\w+\.py) --config (?P<path>\S+)"
)
MAKE = re.compile(r"# make (?P<target>\w+)")


def relative_paths() -> list[str]:
    found = (ROOT / "configs").rglob("*.y*ml")
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def kind_of(path: str) -> str:
    return Path(path).parts[1]


def command_problem(first_line: str, path: str, makefile: str) -> str | None:
    """What is wrong with the first line of a configuration, if anything."""
    if made := MAKE.match(first_line):
        recipe = re.search(rf"^{made['target']}:.*\n(?:\t.*\n)+", makefile, re.MULTILINE)
        return None if recipe and path in recipe[0].split() else f"no such recipe: {first_line}"
    command = COMMAND.match(first_line)
    if not command:
        return f"no command in the first line: {first_line}"
    if command["path"] != path:
        return f"the command runs {command['path']}"
    kind = kind_of(path)
    if command["job"] != f"jobs/{JOBS.get(kind, kind)}.py":
        return f"the command runs {command['job']}"
    return None


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


def test_every_configuration_of_every_kind_loads() -> None:
    paths = relative_paths()
    loaded = [config_file.load(KINDS[kind_of(path)], ROOT / path) for path in paths]
    assert {type(config) for config in loaded} == set(KINDS.values())
    files = [file for file in (ROOT / "configs").rglob("*") if file.is_file()]
    assert len(loaded) == len(files) >= len(KINDS)


@pytest.mark.parametrize("path", relative_paths())
def test_the_first_line_is_the_command_that_runs_it(path: str) -> None:
    first_line, *_ = (ROOT / path).read_text(encoding="utf-8").splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert command_problem(first_line, path, makefile) is None
    assert (ROOT / "jobs" / f"{JOBS.get(kind_of(path), kind_of(path))}.py").is_file()


@pytest.mark.parametrize("path", relative_paths())
def test_a_configuration_survives_being_written_out(path: str, tmp_path: Path) -> None:
    config = config_file.load(KINDS[kind_of(path)], ROOT / path)
    copy = tmp_path / "copy.yaml"
    copy.write_text(config_file.to_yaml(config), encoding="utf-8")
    assert config_file.load(KINDS[kind_of(path)], copy) == config


RECIPE = "demo: .venv/ready  ## all\n\tpython jobs/prepare.py --config configs/prepare/demo.yaml\n"


@pytest.mark.parametrize(
    ("first_line", "problem"),
    [
        ("# python jobs/prepare.py --config configs/prepare/demo.yaml", None),
        ("# CLISM_DATA=/data python jobs/prepare.py --config configs/prepare/demo.yaml", None),
        ("# make demo", None),
        ("# make demos", "no such recipe"),
        ("# python jobs/prepare.py --config configs/prepare/other.yaml", "other.yaml"),
        ("# python jobs/pretrain.py --config configs/prepare/demo.yaml", "jobs/pretrain.py"),
        ("# Settings of the demo", "no command"),
        ("output: there", "no command"),
    ],
)
def test_a_wrong_first_line_is_found(first_line: str, problem: str | None) -> None:
    found = command_problem(first_line, "configs/prepare/demo.yaml", RECIPE)
    assert found is None if problem is None else problem in (found or "")
