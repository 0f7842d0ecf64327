"""What a step, a checkpoint and a run cost: operations, bytes on the wire, bytes on disk."""

from dataclasses import dataclass

from clism_ray.masking.order import slots_per_worker
from clism_ray.model.shape import Shape
from clism_ray.train.activations import FP32, Load
from clism_ray.train.memory import LIVE

STATE_BYTES = 3 * FP32  # of a parameter in a checkpoint: weight and Adam's two moments
_HEADER = 130  # bytes that safetensors takes to name a tensor, about


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The arithmetic of a run's steps. `masking/order.py` says which rows they take."""

    slots: int  # micro-batches of a step
    pairs: int  # of a micro-batch
    workers: int
    steps: int
    rows: int | None  # to train on; None: not known

    @property
    def turns(self) -> int:
        """Micro-batches of every worker in a step, one after the other."""
        return slots_per_worker(self.slots, self.workers)

    @property
    def global_batch(self) -> int:
        """Pairs of a step."""
        return self.slots * self.pairs

    @property
    def empty(self) -> int:
        """Slots that a full step leaves empty, as workers have equally many."""
        return self.turns * self.workers - self.slots

    @property
    def steps_per_epoch(self) -> int | None:
        """The last one may have fewer pairs."""
        return None if self.rows is None else -(-self.rows // self.pairs // self.slots)

    @property
    def epochs(self) -> float | None:
        """How often each pair is seen."""
        return None if not self.rows else self.pairs_seen / self.rows

    @property
    def pairs_seen(self) -> int:
        """Rows visited, counted as often as they are."""
        if self.rows is None or self.steps_per_epoch is None:
            return self.steps * self.global_batch
        epochs, over = divmod(self.steps, self.steps_per_epoch)
        return epochs * self.rows + min(over * self.global_batch, self.rows)


def operations(
    shape: Shape, load: Load, recompute: bool = False, encoded_first: bool = False
) -> float:
    """FLOPs of a forward and a backward.

    6 a weight and token (Kaplan et al. 2020, section 2.1), attention's two products 12 D L a token
    of a sequence of L, and the MLM head's products over masked tokens. Recomputing adds a forward
    of the layers: a third. So does CACR over a whole step, where a micro-batch is `encoded_first`
    for its vectors alone (see `negatives`).
    """
    layers = 6 * shape.matrices * load.tokens + 12 * shape.layers * shape.hidden * load.squares
    head = 6 * load.masked * shape.hidden * (shape.vocabulary + shape.hidden)
    return layers * (3 + recompute + encoded_first) / 3 + head


def sent(shape: Shape, stage: int, workers: int, turns: int) -> float:
    """Bytes that a worker sends in a step, in rings: n (W - 1) / W for a gather or a scatter of n
    bytes, twice that for an all-reduce (Patarasuk and Yuan, 2009).

    As DeepSpeed does it: stages 1 and 2 all-reduce gradients, stage 2 in every turn, and gather
    weights once. Stage 3 scatters gradients in every turn and gathers weights, for the backward
    once more if they are too many to be kept.
    """
    gathers = 1 if shape.parameters <= LIVE else 2
    passes = {0: 2, 1: 2 + 1, 2: 2 * turns + 1, 3: (gathers + 1) * turns}[stage]
    return passes * FP32 * shape.parameters * (workers - 1) / workers


def checkpoint_bytes(shape: Shape) -> float:
    """Of a checkpoint: the state of every parameter, whole, once."""
    return STATE_BYTES * shape.parameters + 3 * _HEADER * shape.tensors


def copy_bytes(shape: Shape, workers: int) -> float:
    """Of a worker's copy of its share of a checkpoint: parameters are dealt out whole."""
    return STATE_BYTES * max(shape.parameters / workers, shape.largest)


def export_bytes(shape: Shape) -> float:
    """Of an exported model, its tokenizer left out."""
    return FP32 * shape.parameters + _HEADER * shape.tensors


def disk_bytes(shape: Shape, keep: int) -> float:
    """The most that a run has on disk: one checkpoint and one model more than stay."""
    return (keep + 1) * checkpoint_bytes(shape) + 3 * export_bytes(shape)
