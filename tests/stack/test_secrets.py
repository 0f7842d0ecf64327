"""A password that a configuration holds is in nothing that is printed, written or logged."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from moto.server import ThreadedMotoServer

from clism_ray import tracking
from clism_ray.cli import run_job
from clism_ray.config import PretrainConfig, to_tree
from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import load, to_yaml
from clism_ray.config_sweep import SweepConfig
from clism_ray.config_tasks import EvaluateConfig, FinetuneConfig
from clism_ray.corpus.inputs import inputs_of
from clism_ray.store import Store, viewer_command
from clism_ray.train import journal
from clism_ray.train.tracking_record import default_uri, keepable
from tests.mlflow_runs import new_run
from tests.planted import PLANTED, leaks

ROOT = Path(__file__).resolve().parents[2]
STORE = f"tracking.uri=postgresql://me:{PLANTED}/with/slashes@nowhere.invalid/runs"
CORPUS = f"s3://AKIA:{PLANTED}@bucket"

KINDS: list[tuple[type, str, str]] = [
    (PretrainConfig, "configs/pretrain/demo.yaml", STORE),
    (FinetuneConfig, "configs/finetune/qa.yaml", STORE),
    (EvaluateConfig, "configs/evaluate/few-shot-qa.yaml", STORE),
    (SweepConfig, "configs/sweep/demo.yaml", f"pretrain.{STORE}"),
    (PrepareConfig, "configs/prepare/demo.yaml", f"corpora.0.path={CORPUS}/x.jsonl"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLISM_DATA", "ENCODER"):
        monkeypatch.setenv(name, "/nowhere")


@pytest.fixture(scope="module")
def options() -> Iterator[str]:
    """What a URI must end in for an S3 store of this machine, where nothing is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "?scheme=http&endpoint_override={}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.mark.parametrize(("kind", "path", "override"), KINDS)
def test_a_checked_configuration_shows_no_password(
    kind: type, path: str, override: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse: Any = lambda config: pytest.fail("--check runs nothing")  # noqa: E731
    arguments = ["--config", str(ROOT / path), override, "--check"]
    assert run_job("A job.", kind, refuse, arguments) == 0
    shown = capsys.readouterr().out
    assert "***@" in shown
    assert leaks(shown) == []
    assert PLANTED in str(load(kind, ROOT / path, [override]))  # it was there


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("corpora.0.path={corpus}/no/such.jsonl{options}", "no such file"),
        ("corpora.0.path={corpus}/*.jsonl{options}", "no file fits"),
        ("corpora.0.path=nowhere+s3://AKIA:{planted}/x@bucket/y", "cannot be reached"),
        ("shards={corpus}/x", "shards"),
    ],
)
def test_an_error_that_names_a_path_names_no_password(
    override: str, said: str, options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = override.format(corpus=CORPUS, options=options, planted=PLANTED)
    arguments = ["--config", str(ROOT / "configs/prepare/demo.yaml"), given]
    assert run_job("A job.", PrepareConfig, inputs_of, arguments) == 2  # type: ignore[arg-type]
    told = capsys.readouterr().err
    assert said in told
    assert "***@" in told
    assert leaks(told) == []


def test_a_store_that_cannot_be_used_is_named_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load(PretrainConfig, ROOT / "configs/pretrain/demo.yaml", [STORE])

    def begin(config: PretrainConfig) -> None:
        tracking.start(Store(str(config.tracking.uri)), new_run("a", tmp_path, {}, {}))

    arguments = ["--config", str(ROOT / "configs/pretrain/demo.yaml"), STORE]
    assert run_job("A job.", PretrainConfig, begin, arguments) == 2
    told = capsys.readouterr().err
    assert "cannot be used" in told
    assert leaks(told, viewer_command(str(config.tracking.uri))) == []


def test_mlflow_gets_no_password(tmp_path: Path) -> None:
    """Neither from a configuration that is kept as it should be, nor from one that is not."""
    config = load(PretrainConfig, ROOT / "configs/pretrain/demo.yaml", [STORE])
    kept = tmp_path / "config.yaml"
    kept.write_text(to_yaml(config), encoding="utf-8")
    store = Store(default_uri(tmp_path))
    for given in (config, keepable(config)):
        new = new_run("a run", tmp_path, to_tree(given), {"folder": str(tmp_path)})
        tracker = tracking.start(store, new)
        assert tracker.close("finished", [journal.entry("train", 1, {"loss": 1.0})], [(kept, None)])
        run = MlflowClient(tracking_uri=store.uri).get_run(str(tracker.run_id))
        assert "***@" in run.data.params["tracking.uri"]
    assert (tmp_path / "mlflow.db").is_file()
    assert leaks(tmp_path) == []


def test_what_workers_are_told_holds_no_password() -> None:
    config = load(PretrainConfig, ROOT / "configs/pretrain/demo.yaml", [STORE])
    told = keepable(config)
    assert leaks(str(told)) == []
    assert told == dataclasses.replace(config, tracking=told.tracking)


def test_a_leak_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"x{PLANTED}x", encoding="utf-8")
    assert len(leaks(tmp_path, "harmless", f"y{PLANTED}")) == 2
