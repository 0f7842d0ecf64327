"""The whole chain on an S3-compatible store: text, corpus and checkpoints are nowhere else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pyarrow import fs

from tests.drilled_run import ROOT
from tests.drills import TOLERANCE, curve
from tests.object_store import object_store

pytestmark = [pytest.mark.ray, pytest.mark.drill]

STEPS = 6
PRETRAIN = (
    f"length.steps={STEPS}",
    "tokenizer.vocabulary=600",
    "model.scratch.hidden=32",
    "model.scratch.intermediate=64",
    "validation.pairs_per_language=4",
    "checkpoint.every_steps=2",
    "tracking.log_every_steps=1",
)


def run(home: Path, job: str, *arguments: str) -> str:
    command = [sys.executable, f"jobs/{job}.py", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{job}: {done.stdout}\n{done.stderr}"
    return done.stdout


def prepare(home: Path, options: str) -> None:
    """Text in the store to a corpus in the store; where it was made it is no more."""

    def files(split: str) -> dict[str, str]:
        return {
            "name": "synthetic",
            "format": "jsonl",
            "path": f"s3://bucket/text/{split}.en-*.jsonl{options}",
            "source_language": "en",
            "target_language": "de",
            "source_column": "source",
            "target_column": "target",
        }

    tree = {
        "output": str(home / "made"),
        "copy_to": f"s3://bucket/corpus{options}",
        "corpora": [files("train")],
        "dev": {"corpora": [files("dev")]},
        "alignment": {"iterations": 1},
        "resources": {"max_tasks": 1},
    }
    (home / "prepare.yaml").write_text(yaml.safe_dump(tree))
    run(home, "prepare", "--config", str(home / "prepare.yaml"))
    shutil.rmtree(home / "made")


def forget_after(store: fs.FileSystem, path: str, step: int) -> None:
    """Cut off what a copied journal tells of later steps."""
    with store.open_input_stream(path) as file:
        lines = file.read().splitlines(keepends=True)
    with store.open_output_stream(path) as file:
        file.write(b"".join(line for line in lines if json.loads(line)["step"] <= step))


def test_the_chain_needs_no_disk_but_its_runs(tmp_path: Path) -> None:
    with object_store() as (store, options):
        text = f"output={tmp_path / 'text'}"
        small = (text, "languages=[de]", "pairs=300", "dev_pairs=40")
        run(tmp_path, "synthesize", "--config", "configs/synthesize/demo.yaml", *small)
        fs.copy_files(str(tmp_path / "text"), "bucket/text", fs.LocalFileSystem(), store)
        prepare(tmp_path, options)

        at_store = (
            f"corpus=s3://bucket/corpus{options}",
            f"checkpoint.copy_to=s3://bucket/checkpoints{options}",
        )
        pretrain = ("--config", "configs/pretrain/demo.yaml", *PRETRAIN, *at_store)
        run(tmp_path, "pretrain", *pretrain, f"storage={tmp_path / 'one'}")
        store.delete_dir(f"bucket/checkpoints/demo/step-{STEPS:08d}")
        forget_after(store, "bucket/checkpoints/demo/journal.jsonl", STEPS - 2)
        said = run(tmp_path, "pretrain", *pretrain, f"storage={tmp_path / 'two'}")
    assert f"goes on from step {STEPS - 2} of s3://bucket/checkpoints/demo" in said
    whole, rest = (curve(tmp_path / storage / "runs" / "demo") for storage in ("one", "two"))
    assert list(rest)[-2:] == [STEPS - 1, STEPS], "after what was copied"
    assert rest == pytest.approx({step: whole[step] for step in rest}, rel=TOLERANCE)
