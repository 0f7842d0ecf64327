"""The commands of the README, small, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import VARIABLES, leaks

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]
PREPARE = ("resources.max_tasks=1", "alignment.iterations=1")
PRETRAIN = (
    "length.steps=4",
    "tokenizer.vocabulary=600",
    "model.scratch.hidden=32",
    "model.scratch.intermediate=64",
    "validation.every_steps=2",
    "validation.pairs_per_language=4",
    "checkpoint.every_steps=2",
    "tracking.log_every_steps=2",
)


def run(home: Path, job: str, *overrides: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"jobs/{job}.py", "--config", f"configs/{job}/demo.yaml"]
    environment = {k: v for k, v in os.environ.items() if k not in ("RAY_ADDRESS", "PYTHONPATH")}
    return subprocess.run(
        [*command, *overrides],
        cwd=ROOT,
        env={**environment, **VARIABLES, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def audit(home: Path, name: str = "demo") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "jobs/audit.py", name],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_demo_goes_from_nothing_to_a_model(tmp_path: Path) -> None:
    for job, overrides in (
        ("synthesize", ("pairs=400", "dev_pairs=40")),
        ("prepare", PREPARE),
        ("pretrain", PRETRAIN),
    ):
        done = run(tmp_path, job, *overrides)
        assert done.returncode == 0, f"{job}: {done.stdout}\n{done.stderr}"
        assert leaks(done.stdout, done.stderr) == []
    folder = tmp_path / "clism_ray" / "runs" / "demo"
    for expected in (
        "held-out pairs",
        "[QUE]",
        str(folder / "best"),
        "mlflow server --host 127.0.0.1",
    ):
        assert expected in done.stdout
    assert (folder / "best" / "model.safetensors").is_file()
    assert "Traceback" not in done.stderr
    assert leaks(tmp_path) == []

    audited = audit(tmp_path)
    assert audited.stdout.startswith("demo: 4 steps used 256 rows, ")
    assert audited.returncode == 0
    journal = folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"data/row_digest": ', '"data/row_digest": 1'))
    audited = audit(tmp_path)
    assert "step 4 used" in audited.stdout
    assert (audited.returncode, "not each row once" in audited.stderr) == (1, True)
    audited = audit(tmp_path, "dem")
    assert (audited.returncode, "did you mean 'demo'?" in audited.stderr) == (2, True)


def test_a_job_that_cannot_start_says_why_and_exits_with_2(tmp_path: Path) -> None:
    done = run(tmp_path, "pretrain")
    assert done.returncode == 2
    assert "no prepared corpus" in done.stderr
    assert "Traceback" not in done.stderr
