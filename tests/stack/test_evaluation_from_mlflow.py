"""An evaluation read back from a real MLflow store, where its folder is not."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from clism_ray.errors import InputError
from clism_ray.finetune.cell import read_result
from clism_ray.report.evaluation.from_mlflow import fetch_evaluation
from clism_ray.report.evaluation.report import load_evaluation
from clism_ray.tracking import PARENT
from clism_ray.train.tracking_record import default_uri
from jobs.report import main
from tests.evaluations import answers, build, config


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of an evaluation and a store that has it, a cell of an earlier try with it."""
    folder = tmp_path_factory.mktemp("storage")
    made = build(folder, config(sizes=[64, None]), answers({"ours": 4.0}))
    client = MlflowClient(default_uri(folder))
    experiment = client.create_experiment("clism", (folder / "mlflow").as_uri())
    parent = client.create_run(experiment, tags={"kind": "evaluation"}, run_name="few")
    client.log_artifact(parent.info.run_id, str(made / "evaluation.yaml"))
    cells = sorted((made / "cells").iterdir())
    for start, (cell, status) in enumerate(
        [(cells[0], "FAILED"), (cells[1], "FINISHED"), *((cell, "FINISHED") for cell in cells)]
    ):
        result = read_result(cell)
        assert result is not None
        tags = {"kind": "cell", PARENT: parent.info.run_id, "model": result.model}
        tags |= {"form": result.form, "sample": str(result.sample)}
        tags |= {"size": str(result.size or "all")}
        run = client.create_run(experiment, start_time=start, tags=tags, run_name=cell.name)
        if status == "FINISHED":
            for name in ("result.json", "items.npz"):
                client.log_artifact(run.info.run_id, str(cell / name))
        client.set_terminated(run.info.run_id, status)
    return made, default_uri(folder)


def test_its_tables_are_those_of_the_folder(kept: tuple[Path, str], tmp_path: Path) -> None:
    folder, uri = kept
    fetch_evaluation(uri, "few", tmp_path / "few")
    there, here = load_evaluation(folder), load_evaluation(tmp_path / "few")
    assert here.tables == there.tables
    assert len(here.cells) == here.planned == 8


def test_its_page_needs_the_store_alone(kept: tuple[Path, str], tmp_path: Path) -> None:
    output, elsewhere = tmp_path / "page", tmp_path / "empty"
    given = ["--uri", kept[1], "--storage", str(elsewhere), "--output", str(output)]
    assert main(["evaluation", "few", *given]) == 0
    assert "ours beats base" in (output / "page.html").read_text()
    assert not elsewhere.exists()


def test_an_evaluation_that_is_not_there_or_not_whole_is_named(
    kept: tuple[Path, str], tmp_path: Path
) -> None:
    uri = kept[1]
    with pytest.raises(InputError, match="no evaluation is called 'many' there; known: few"):
        fetch_evaluation(uri, "many", tmp_path / "many")
    client = MlflowClient(uri)
    (experiment,) = (e for e in client.search_experiments() if e.name == "clism")
    client.create_run(experiment.experiment_id, tags={"kind": "evaluation"}, run_name="begun")
    with pytest.raises(InputError, match=r"keeps no evaluation\.yaml of 'begun'"):
        fetch_evaluation(uri, "begun", tmp_path / "begun")
