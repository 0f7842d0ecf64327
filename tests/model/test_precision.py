"""bf16 on a device without instructions for it is told of, and nothing else is."""

from pathlib import Path

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


@pytest.mark.skipif(precision.platform.machine() != "x86_64", reason="its flags are an x86's")
def test_this_machine_is_known_by_its_flags() -> None:
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    assert precision.knows_bf16(CPU) == bool(flags & {"avx512_bf16", "amx_bf16"})


def test_a_machine_that_cannot_be_asked_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision.platform, "machine", lambda: "aarch64")
    assert slow_products("bf16", CPU) is None
