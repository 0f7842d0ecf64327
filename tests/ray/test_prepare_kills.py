"""Workers that die in the middle of a preparation: it does not show in what is made."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import load
from clism_ray.corpus import stages, take_in
from clism_ray.corpus.prepare import prepare
from tests.preparations import FEW_LINES, assert_same_and_tidy, write_config

pytestmark = [pytest.mark.ray, pytest.mark.drill, pytest.mark.timeout(240)]

TASKS = (
    (take_in, "_take_in_chunk"),
    (stages, "fit_tables"),
    (stages, "build_bucket"),
    (stages, "copy_bucket"),
    (stages, "number_bucket"),
)


def dying(task: Callable[..., Any], deaths: Path) -> Callable[..., Any]:
    """The task, whose worker dies once before and once after its work; each death leaves a file."""

    def die_once(moment: str) -> None:
        try:
            (deaths / f"{task.__name__}-{moment}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def run(*arguments: Any) -> Any:
        die_once("before")
        result = task(*arguments)
        die_once("after")
        return result

    return run


def test_workers_that_die_in_every_stage_do_not_show(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(PrepareConfig, write_config(tmp_path, FEW_LINES, shards=4))
    output, deaths = Path(config.output), tmp_path / "deaths"
    prepare(config)
    undisturbed = output.rename(tmp_path / "undisturbed")
    deaths.mkdir()
    for module, name in TASKS:
        monkeypatch.setattr(module, name, dying(getattr(module, name), deaths))
    prepare(config)
    assert sorted(path.name for path in deaths.iterdir()) == sorted(
        f"{name}-{moment}" for _, name in TASKS for moment in ("before", "after")
    )
    assert_same_and_tidy(output, undisturbed)
