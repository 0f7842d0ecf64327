"""Training processes without Ray: a group that meets in a file, where no port can be taken."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as processes


def spawn(workers: int, work: Callable[..., None], *arguments: Any) -> None:
    """Call work(rank, *arguments) in each of as many processes, one thread each, on gloo."""
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "group").as_uri()
        processes.spawn(_begin, args=(workers, meeting, work, arguments), nprocs=workers)


def _begin(
    rank: int, workers: int, meeting: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(workers), "LOCAL_RANK": str(rank)}
    os.environ |= {"DS_ACCELERATOR": "cpu"}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    work(rank, *arguments)
    dist.destroy_process_group()
