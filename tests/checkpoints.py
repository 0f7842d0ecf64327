"""Checkpoints by hand: files with the lists that make them count."""

from pathlib import Path

from clism_ray.train.checkpoint import RunState, folder_of, write_list, write_metrics
from clism_ray.train.journal import Entry

WORKERS = 2


def shards(folder: Path) -> dict[int, list[Path]]:
    """The parameters that each rank writes."""
    return {
        0: [folder / f"state-00000-{number:03d}.safetensors" for number in range(2)],
        1: [folder / "state-00001-000.safetensors"],
    }


def write_checkpoint(run: Path, step: int, ranks: tuple[int, ...] = (0, 1)) -> Path:
    """All files of a checkpoint, and the lists of some ranks."""
    folder = folder_of(run, step)
    for rank, paths in shards(folder).items():
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"shard of rank {rank} at {step}".encode())
    if 0 in ranks:
        write_metrics(folder, [Entry(1000 + step, "train", step, {"loss/total": 1.0})])
    for rank in ranks:
        write_list(folder, rank, RunState(step, WORKERS, "abc"))
    return folder
