"""What workers tell of their end arrives as the error that it was."""

import json

import pytest

from clism_ray.errors import InputError, RunFailed, UnusableInput
from clism_ray.train.status import FAILED, FINISHED, failed, failure


@pytest.mark.parametrize("kind", [InputError, RunFailed])
def test_an_error_is_the_same_after_its_way_through_a_journal(kind: type[Exception]) -> None:
    told = json.loads(json.dumps(failed(kind("no such file"))))
    assert told["status"] == FAILED
    error = failure(told)
    assert type(error) is kind
    assert str(error) == "no such file"


def test_what_all_workers_find_wrong_with_the_input_is_bad_input_to_the_driver() -> None:
    error = failure(failed(UnusableInput("row 7 has no text")))
    assert type(error) is InputError
    assert str(error) == "row 7 has no text"


def test_a_run_that_ended_well_has_no_error() -> None:
    assert failure({"status": FINISHED}) is None


def test_of_a_journal_that_names_no_kind_the_run_failed() -> None:
    assert type(failure({"status": FAILED, "problem": "no room"})) is RunFailed
