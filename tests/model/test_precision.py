"""bf16 on a device without instructions for it is told of, and nothing else is."""

import pytest
import torch

from clism_ray.train import precision
from clism_ray.train.precision import slow_products

CPU = torch.device("cpu")


@pytest.mark.parametrize("amx", [False, True])
@pytest.mark.parametrize("avx", [False, True])
def test_a_cpu_without_any_bf16_instructions_is_told_of(
    monkeypatch: pytest.MonkeyPatch, avx: bool, amx: bool
) -> None:
    known = {"avx512_bf16": avx, "amx_bf16": amx}
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    told = slow_products("bf16", CPU)
    assert (told is None) == (avx or amx)
    assert told is None or told.endswith("precision=fp32")
    assert slow_products("fp32", CPU) is None


def test_this_machine_can_be_asked() -> None:
    assert precision.knows_bf16(CPU) in (True, False)


def test_a_machine_that_cannot_be_asked_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision.platform, "machine", lambda: "aarch64")
    assert slow_products("bf16", CPU) is None
