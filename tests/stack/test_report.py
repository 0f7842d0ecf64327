"""Reports from a real MLflow store, and their pages in a real browser."""

import hashlib
import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from clism_ray.errors import InputError
from clism_ray.report import runs
from clism_ray.tracked_run import flatten
from clism_ray.tracking import PARENT
from clism_ray.train.status import FAILED, FINISHED, STOPPED_EARLY
from clism_ray.train.tracking_record import default_uri
from jobs.report import main

ROOT = Path(__file__).resolve().parents[2]
OBJECTIVE = "validation/accuracy"
SPACE = {
    "losses.cacr.temperature": {"loguniform": [0.01, 20]},
    "losses.cacr.weight": {"uniform": [0.0, 2.0]},
    "batch.pairs": {"integers": [4, 32]},
    "precision": {"choice": ["fp32", "bf16"]},
}
TRIALS = 8
STATUSES = {3: STOPPED_EARLY, 5: FAILED, 6: STOPPED_EARLY}
PROBLEM = "the loss is not finite at step 21: loss/cacr is inf <b>at once</b>"


class Store(NamedTuple):
    folder: Path
    uri: str
    sweep_id: str
    best: str


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with two sweeps of one name, the newer of 8 trials, and two runs of one name."""
    folder = tmp_path_factory.mktemp("storage")
    client = MlflowClient(default_uri(folder))
    experiment = client.create_experiment("clism", (folder / "mlflow").as_uri())
    begun = 0

    def run(name: str, params: dict[str, Any], tags: dict[str, str], points: list[Metric]) -> str:
        nonlocal begun
        begun += 1000
        made = client.create_run(experiment, start_time=begun, tags=tags, run_name=name).info.run_id
        told = [Param(key, text) for key, text in flatten(params).items()]
        client.log_batch(made, params=told, metrics=points[:900])
        for first in range(900, len(points), 900):
            client.log_batch(made, metrics=points[first : first + 900])
        client.set_terminated(made, "FINISHED", begun + 90_000)
        return str(made)

    search = {"objective": OBJECTIVE, "mode": "max", "search": "optuna", "trials": TRIALS}
    search |= {f"space.{key}": json.dumps(entry) for key, entry in SPACE.items()}
    tags = {"kind": "sweep", "corpus": "c0ffee", "git_commit": "abc123", "identity": "beef"}
    run("hunt", {**search, "mode": "min"}, tags, [])
    parent = run("hunt", search, tags, [])
    for i in range(TRIALS):
        values, points = measured(i)
        status = STATUSES.get(i, FINISHED)
        own = {PARENT: parent, "trial_status": status, "problem": PROBLEM if i == 5 else ""}
        run(f"hunt-{i}", {"name": f"hunt-{i}", **values, "model": {"start": None}}, own, points)
    client.log_batch(parent, tags=[RunTag("best_trial", "hunt-4")])
    run("twin", {"seed": 13}, {}, [Metric("loss/total", 9.0, 1, 1)])
    run("twin", {"seed": 14}, {}, [Metric("loss/total", 1.0 + 1 / n, n, n) for n in range(1, 1201)])
    return Store(folder, default_uri(folder), parent, "hunt-4")


def measured(i: int) -> tuple[dict[str, Any], list[Metric]]:
    """Values and metrics of a trial; the accuracy falls with the distance from trial 4."""
    values = {
        "losses.cacr.temperature": 0.01 * 2**i,
        "losses.cacr.weight": (0.7 * i) % 2,
        "batch.pairs": 4 + 3 * i,
        "precision": ("fp32", "bf16")[i % 2],
    }
    end = {3: 20, 5: 10, 6: 30}.get(i, 40)
    points = []
    for step in range(0, end + 1, 10):
        accuracy = (0.8 - 0.1 * abs(i - 4)) * (1 - math.exp(-step / 15))
        points += [
            Metric(OBJECTIVE, accuracy, 1000 + step, step),
            Metric(f"{OBJECTIVE}/en-de", accuracy / 2, 1000 + step, step),
            Metric("validation/loss/total", 6 - accuracy, 1000 + step, step),
        ]
    for step in range(1, end + 1):
        points += [
            Metric(f"loss/{name}", share * (5 + i / 8) / step**0.2, 1000 + step, step)
            for name, share in (("total", 1.0), ("clism", 0.4), ("cacr", 0.2), ("mlm", 0.4))
        ]
        points.append(Metric("speed/pairs_per_second", 800.0 + step, 1000 + step, step))
    return values, points


def digest(store: Store) -> str:
    return hashlib.sha256((store.folder / "mlflow.db").read_bytes()).hexdigest()


def report(store: Store, *arguments: str) -> int:
    return main([*arguments, "--storage", str(store.folder)])


# Loading


def test_a_sweep_is_the_newest_of_its_name_with_its_trials_in_order(store: Store) -> None:
    sweep = runs.load_sweep(store.uri, "hunt")
    assert (sweep.run.run_id, sweep.run.namesakes, sweep.mode) == (store.sweep_id, 1, "max")
    assert {d.key: {d.kind: list(d.values)} for d in sweep.space} == SPACE
    assert [trial.name for trial in sweep.trials] == [f"hunt-{i}" for i in range(TRIALS)]
    assert [trial.status for trial in sweep.trials] == [
        STATUSES.get(i, FINISHED) for i in range(TRIALS)
    ]
    assert sweep.trials[2].params["losses.cacr.temperature"] == "0.04"
    assert sweep.trials[2].params["model.start"] == "null"
    assert [step for step, _ in sweep.curve(sweep.trials[3])] == [0, 10, 20]
    assert {*sweep.trials[0].curves} == {OBJECTIVE}  # no history that the page does not need
    assert sweep.trials[0].seconds == 90
    assert sweep.equal_step() == 20
    best = sweep.best()
    assert best is not None
    assert best.name == store.best


def test_answers_of_several_pages_are_read_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runs.load_sweep(store.uri, "hunt")
    monkeypatch.setattr(runs, "_PAGE", 3)
    assert runs.load_sweep(store.uri, "hunt") == whole


def test_runs_are_found_by_name_and_by_id_the_newest_of_a_name(store: Store) -> None:
    sweep = runs.load_sweep(store.uri, "hunt")
    twin, trial = runs.load_runs(store.uri, ["twin", sweep.trials[0].run_id])
    assert (twin.params["seed"], twin.namesakes) == ("14", 1)
    assert (trial.name, trial.namesakes) == ("hunt-0", 0)
    assert len(twin.curves["loss/total"]) == 1200
    assert "speed/pairs_per_second" in trial.last
    assert "speed/pairs_per_second" not in trial.curves


def test_reading_leaves_the_store_as_it_is(store: Store) -> None:
    before = digest(store)
    assert report(store, "sweep", "hunt") == 0
    assert report(store, "compare", "hunt-1", "twin") == 0
    assert digest(store) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep", "hurt"], "no sweep is called 'hurt'; known: hunt"),
        (["sweep", "twin"], "no sweep is called 'twin'; known: hunt"),
        (["compare", "hunt-1", "twim"], "no run has the name or id 'twim'; closest: twin"),
        (["compare", "twin", "it's"], '''no run has the name or id "it's"'''),
        (["compare", "twin", "f" * 32], f"no run has the name or id '{'f' * 32}'"),
        (["compare", "twin", "twin"], "is given twice"),
        (["compare", "twin"], "nothing to compare twin with"),
        (["sweep", "hunt", "--uri", "sqlite:////nowhere/mlflow.db"], "no MLflow store"),
        (["sweep", "hunt", "--uri", "postgresql://me:secret@nowhere/x"], "me:***@nowhere"),
    ],
)
def test_what_is_not_there_is_one_message_and_exit_code_2(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert report(store, *arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "secret" not in error


def test_no_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--uri.*--storage"):
        runs.load_sweep(default_uri(tmp_path), "hunt")
    assert list(tmp_path.iterdir()) == []


# The job


def test_the_job_says_what_won_and_where_the_page_is(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(store, "sweep", "hunt") == 0
    said = capsys.readouterr().out
    page = store.folder / "reports" / "hunt.html"
    assert "8 trials (2 stopped early, 1 failed), by highest validation/accuracy: hunt-4" in said
    assert f"page: {page}" in said
    assert PROBLEM.replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in page.read_text()


def test_the_job_prints_differences_and_metrics(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "new" / "page.html"
    assert report(store, "compare", "hunt-1", "hunt-2", "twin", "--output", str(page)) == 0
    said = capsys.readouterr().out
    assert "2 runs are called twin" in said
    row = next(line for line in said.splitlines() if "losses.cacr.temperature" in line)
    assert "0.02" in row
    assert "0.04" in row
    accuracy = next(line for line in said.splitlines() if "validation/accuracy " in line)
    assert accuracy.count(" / ") == 2  # last / best; none of the twin
    assert page.is_file()


def test_the_job_runs_as_a_program(store: Store) -> None:
    command = [sys.executable, "jobs/report.py", "sweep", "hurt", "--storage", str(store.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "no sweep is called 'hurt'; known: hunt"
    assert "Traceback" not in done.stderr


# In a browser

LOOK = """
const box = node => { const r = node.getBoundingClientRect(); return [r.width, r.height] };
const card = document.querySelector("figure");
return {
  figures: [...document.querySelectorAll("svg")].map(box),
  letters: [...document.querySelectorAll("svg use")].map(box).filter(b => b[0] && b[1]).length,
  tables: [...document.querySelectorAll("table")].map(t => t.rows.length),
  page: document.documentElement.scrollWidth,
  window: window.innerWidth,
  height: document.documentElement.scrollHeight,
  paper: getComputedStyle(document.body).backgroundColor,
  card: getComputedStyle(card).backgroundColor,
  heading: box(document.querySelector("h1")),
}
"""
DARK, WHITE = "rgb(22, 24, 27)", "rgb(255, 255, 255)"


def visit(page: Path, width: int, dark: bool, script: str = LOOK) -> dict[str, Any]:
    found = importlib.util.find_spec("PySide6")
    if found is None or importlib.util.find_spec("PySide6.QtWebEngineCore") is None:
        pytest.skip("no browser: pip install -e '.[browser]'")
    given = {"url": page.as_uri(), "width": width, "dark": dark, "script": script}
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "browser.py"), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "error while loading shared libraries" in done.stderr or "cannot open shared" in done.stderr:
        pytest.skip(f"no browser: this system lacks a library: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert seen["loaded"]
    assert seen["console"] == []
    return dict(seen["found"])


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (400, True)])
@pytest.mark.parametrize(
    ("arguments", "figures", "rows"),
    [
        (["sweep", "hunt"], 4, [1 + TRIALS, 1 + len(SPACE), 1 + 4]),
        # keys: name, seed, start and those searched; metrics: 5 main ones, 2 more, speed
        (["compare", "hunt-4", "hunt-5", "twin"], 1, [1 + 3 + len(SPACE), 1 + 8, 1 + 3]),
    ],
)
def test_pages_show_figures_and_tables_on_any_width_in_light_and_dark(
    store: Store, arguments: list[str], figures: int, rows: list[int], width: int, dark: bool
) -> None:
    page = store.folder / "seen.html"
    assert report(store, *arguments, "--output", str(page)) == 0
    seen = visit(page, width, dark)
    assert seen["tables"] == rows
    assert len(seen["figures"]) == figures
    assert all(w >= 300 and h >= 100 for w, h in seen["figures"])
    assert seen["letters"] > 100  # of axes and legends
    assert seen["page"] <= seen["window"] <= width  # nothing sticks out sideways
    assert seen["height"] > 900
    assert min(seen["heading"]) > 10
    assert (seen["paper"], seen["card"]) == (DARK if dark else WHITE, WHITE)
