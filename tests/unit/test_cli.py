"""The entry of all jobs: configuration in, exit code out."""

from pathlib import Path

import pytest

from clism_ray.cli import run_job
from clism_ray.config import PretrainConfig
from clism_ray.config_corpus import SynthesizeConfig
from clism_ray.config_file import load
from clism_ray.errors import InputError, RunFailed, RunStopped


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "c.yaml"
    path.write_text("output: out\nseed: 1\n")
    return str(path)


def run(*arguments: str, action=lambda config: None) -> int:
    return run_job("A job.", SynthesizeConfig, action, arguments)


def test_the_action_gets_the_configuration_with_overrides_wherever_they_stand(file: str) -> None:
    got = []
    assert run("seed=2", "--config", file, "pairs=7", action=got.append) == 0
    assert got == [SynthesizeConfig(output="out", seed=2, pairs=7)]


def test_check_prints_a_configuration_that_loads_again_and_runs_nothing(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []
    assert run("--config", file, "--check", "pairs=7", action=ran.append) == 0
    printed = tmp_path / "printed.yaml"
    printed.write_text(capsys.readouterr().out)
    assert ran == []
    assert load(SynthesizeConfig, printed) == SynthesizeConfig(output="out", seed=1, pairs=7)


def test_bad_configuration_exits_with_2_and_one_message(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--config", file, "sed=2") == 2
    error = capsys.readouterr().err
    assert "did you mean seed?" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError, 2),
        (RunFailed, 1),
        (RunStopped, 75),  # the same command goes on
    ],
)
def test_what_people_are_meant_to_read_is_printed_without_traceback_and_passwords(
    file: str, capsys: pytest.CaptureFixture[str], error: type[Exception], code: int
) -> None:
    def end(config: SynthesizeConfig) -> None:
        raise error("http://me:secret@host:5000 does not answer")

    assert run("--config", file, action=end) == code
    assert capsys.readouterr().err == "http://me:***@host:5000 does not answer\n"


def test_a_missing_file_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", "nowhere.yaml") == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_a_defect_passes_through(file: str) -> None:
    def fail(config: SynthesizeConfig) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("--config", file, action=fail)


def test_an_interruption_exits_with_130(file: str) -> None:
    def interrupt(config: SynthesizeConfig) -> None:
        raise KeyboardInterrupt

    assert run("--config", file, action=interrupt) == 130


@pytest.mark.parametrize("arguments", [[], ["--conf", "x"], ["--config", "x", "--unknown"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2


def test_a_run_takes_the_configuration_that_won_a_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = tmp_path / "sweeps" / "heat" / "best.yaml"
    best.parent.mkdir(parents=True)
    best.write_text(f"name: heat-best\ncorpus: /c\nstorage: {tmp_path}\nlength: {{steps: 5}}\n")
    got: list[PretrainConfig] = []
    command = ["--from-sweep", "heat", f"storage={tmp_path}", "length.steps=9", "name=real"]
    assert run_job("A job.", PretrainConfig, got.append, command) == 0
    assert (got[0].name, got[0].length.steps) == ("real", 9)
    assert run_job("A job.", PretrainConfig, got.append, ["--from-sweep", "cold", command[2]]) == 2
    assert "finished sweeps there: heat" in capsys.readouterr().err


def test_only_pretraining_takes_a_sweep() -> None:
    with pytest.raises(SystemExit):
        run("--from-sweep", "heat")
