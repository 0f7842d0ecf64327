"""Training processes without Ray: a group that meets in a file, where no port can be taken.

They are forks of one process that has loaded the libraries, which takes longer than most tests.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as processes

_LOADED = ["clism_ray.train.engine", "clism_ray.model.pretrainer"]


def spawn(workers: int, work: Callable[..., None], *arguments: Any) -> None:
    """Call work(rank, *arguments) in each of as many processes, one thread each, on gloo."""
    os.environ["DS_ACCELERATOR"] = "cpu"
    multiprocessing.set_forkserver_preload(_LOADED)
    with tempfile.TemporaryDirectory() as folder:
        given = (workers, (Path(folder) / "group").as_uri(), work, arguments)
        processes.start_processes(_begin, given, workers, start_method="forkserver")


def _begin(
    rank: int, workers: int, meeting: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(workers), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    work(rank, *arguments)
    dist.destroy_process_group()
