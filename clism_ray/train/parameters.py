"""The whole state of every parameter, read from an engine and put into another.

DeepSpeed shards weights and Adam's moments in a way of its own for every ZeRO stage and number of
workers. A checkpoint holds them whole, by the parameter's name, so that any number of workers and
any stage can go on from it. Each parameter is gathered by itself, and one rank writes it.

Of a parameter: `weight`, and Adam's `exp_avg` and `exp_avg_sq`, all fp32 and of its shape.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from clism_ray.train.engine import Engine

_MOMENTS = ("exp_avg", "exp_avg_sq")
_PARTS = ("weight", *_MOMENTS)
_FILE_BYTES = 2**30  # a rank holds no more of the whole state at a time, but for one parameter


def save_parameters(engine: Engine, folder: Path) -> None:
    """Write this rank's share of the parameters below `folder`. All ranks call it."""
    write_files(file_contents(engine), folder, dist.get_rank())


def file_contents(engine: Engine) -> Iterator[dict[str, Tensor]]:
    """What this rank writes, a file at a time: copies on the CPU. All ranks take all of it."""
    rank = dist.get_rank()
    held: dict[str, Tensor] = {}
    for (name, parameter), writer in zip(_named(engine), _writers(engine), strict=True):
        parts = _whole(engine, parameter, writer)
        if rank == writer:
            held |= {f"{name}/{part}": tensor for part, tensor in parts.items()}
        if sum(tensor.nbytes for tensor in held.values()) > _FILE_BYTES:
            yield held
            held = {}
    yield held


def write_files(contents: Iterable[dict[str, Tensor]], folder: Path, rank: int) -> None:
    """Write what `file_contents` gave, below `folder`."""
    for number, held in enumerate(contents):
        save_file(held, folder / f"state-{rank:05d}-{number:03d}.safetensors")


def load_parameters(engine: Engine, files: Iterable[Path], step: int) -> None:
    """Put what any ranks wrote after so many optimizer steps, all their files, into an engine."""
    adam = engine.optimizer if engine.zero_optimization_stage() == 0 else engine.optimizer.optimizer
    for flat in _sharded(engine):
        adam.state[flat] = {
            "step": torch.tensor(float(step)),
            **{moment: torch.zeros_like(flat) for moment in _MOMENTS},
        }
    parameters = dict(_named(engine))
    for path in files:
        with safe_open(path, framework="pt") as file:
            names = {key.rpartition("/")[0] for key in file.keys()}
            for name in sorted(names):
                parts = {part: file.get_tensor(f"{name}/{part}") for part in _PARTS}
                _put(engine, adam.state, parameters.pop(name), parts)
    if parameters:
        raise RuntimeError(f"the checkpoint has no {', '.join(parameters)}")
    if engine.zero_optimization_stage() == 3 and (kept := engine.optimizer.persistent_parameters):
        kept[0].partition(kept)  # small ones stay whole between steps: take them anew
        kept[0].all_gather(kept)


def _named(engine: Engine) -> list[tuple[str, nn.Parameter]]:
    return [(n, p) for n, p in engine.module.named_parameters() if p.requires_grad]


def _writers(engine: Engine) -> Iterator[int]:
    """The rank that writes each parameter: the one with the least so far."""
    load = [0] * dist.get_world_size()
    for _, parameter in _named(engine):
        writer = load.index(min(load))
        load[writer] += getattr(parameter, "ds_numel", parameter.numel())
        yield writer


def _sharded(engine: Engine) -> list[Tensor]:
    """What the optimizer really steps on this rank: parameters, or flat shards of many."""
    stage, optimizer = engine.zero_optimization_stage(), engine.optimizer
    if stage == 0:
        return [parameter for _, parameter in _named(engine)]
    if stage == 3:
        return cast(list[Tensor], optimizer.fp32_partitioned_groups_flat)
    return cast(list[Tensor], optimizer.single_partition_of_fp32_groups)


def _whole(engine: Engine, parameter: nn.Parameter, writer: int) -> dict[str, Tensor]:
    """A parameter's parts on the CPU of the writer. All ranks call it."""
    stage, optimizer = engine.zero_optimization_stage(), engine.optimizer
    parts: dict[str, Tensor] = {}
    for part in _PARTS:
        if stage == 3:
            whole = optimizer.get_full_hp_param(parameter, None if part == "weight" else part)
        elif part == "weight":
            whole = parameter.detach()
        elif stage == 0:
            whole = optimizer.state[parameter][part]
        else:
            whole = torch.zeros_like(parameter).flatten()
            if place := _place(engine, parameter):
                (flat, there), here = place
                whole[here] = optimizer.optimizer.state[flat][part][there]
            dist.reduce(whole, writer)
        if dist.get_rank() == writer:
            parts[part] = whole.to("cpu", copy=True).view(_shape(parameter)).contiguous()
    return parts


def _put(
    engine: Engine, state: Mapping[Tensor, Any], parameter: nn.Parameter, parts: dict[str, Tensor]
) -> None:
    """Take this rank's share of a parameter's parts."""
    stage = engine.zero_optimization_stage()
    with torch.no_grad():
        if stage == 0:
            parameter.copy_(parts["weight"])
            for moment in _MOMENTS:
                state[parameter][moment].copy_(parts[moment])
        elif stage == 3:
            optimizer, shard = engine.optimizer, cast(Any, parameter).ds_tensor
            group, start, size = optimizer.grad_position[optimizer.get_param_id(parameter)]
            flat, there = optimizer.fp32_partitioned_groups_flat[group], slice(start, start + size)
            own = {name: _own_share(part, size) for name, part in parts.items()}
            shard.copy_(own["weight"].view_as(shard))
            flat[there] = own["weight"]
            for moment in _MOMENTS:
                state[flat][moment][there] = own[moment]
        else:
            parameter.copy_(parts["weight"])
            if place := _place(engine, parameter):
                (flat, there), here = place
                flat[there] = parts["weight"].flatten()[here].to(flat.device)
                for moment in _MOMENTS:
                    state[flat][moment][there] = parts[moment].flatten()[here].to(flat.device)


def _place(engine: Engine, parameter: nn.Parameter) -> tuple[tuple[Tensor, slice], slice] | None:
    """Under ZeRO 1 and 2: this rank's (flat shard, where in it), where in the parameter."""
    mapping = cast(Any, parameter)._hp_mapping
    if mapping is None:
        return None
    flat = engine.optimizer.single_partition_of_fp32_groups[mapping.param_group_index]
    there, here = mapping.hp_fragment_address, mapping.lp_fragment_address
    return (
        (flat, slice(there.start, there.start + there.numel)),
        slice(here.start, here.start + here.numel),
    )


def _own_share(whole: Tensor, size: int) -> Tensor:
    """Under ZeRO 3: the elements from rank x size on; past the end, zeros."""
    flat = F.pad(whole.flatten(), (0, size * dist.get_world_size() - whole.numel()))
    return flat[dist.get_rank() * size :][:size]


def _shape(parameter: nn.Parameter) -> torch.Size:
    return getattr(parameter, "ds_shape", parameter.shape)
