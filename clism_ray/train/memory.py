"""Memory of one worker by ZeRO stage, in bytes.

Rajbhandari et al. (2020, arXiv:1910.02054, figure 1): of P parameters on W workers, a worker holds
weights + gradients + K P of optimizer states, and stage 1 divides the states by W, 2 the gradients
too, 3 the weights too. Their weights are 16-bit and K is 12; here all is fp32, so K is 8, Adam's
moments. DeepSpeed's stages 1 and 2 step on a copy of their own share, so K is 12 there.
"""

from dataclasses import dataclass

from clism_ray.model.shape import Shape
from clism_ray.train.activations import FP32, Kept

STAGES = (0, 1, 2, 3)
BUCKET = 500_000_000  # elements: DeepSpeed's reduce_bucket_size, and of stage 0's all-reduce
LIVE = 1_000_000_000  # elements that stage 3 keeps gathered: DeepSpeed's stage3_max_live_parameters
USABLE = 0.92  # of a GPU; the rest is for CUDA, NCCL and fragmentation


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of a worker under one stage."""

    stage: int
    weights: float
    gradients: float
    optimizer: float  # Adam's moments, and under 1 and 2 the share's own copy of the weights
    activations: float
    copies: float  # of weights in bf16
    logits: float
    buffers: float  # of collectives, and under 3 what is gathered
    saving: float  # copies that are written beside training
    starting: float  # before the first step, all in all

    @property
    def peak(self) -> float:
        """The most at a time: in a backward, in an optimizer step, or at the start."""
        states = self.weights + self.gradients + self.optimizer
        backward = self.activations + self.copies + self.logits + self.buffers
        step = self.optimizer / 2  # torch's AdamW takes a tensor more of what it steps on
        return max(states + max(backward, step) + self.saving, self.starting)


def memory(
    shape: Shape, stage: int, workers: int, kept: Kept, device: str, *, saving: float = 0.0
) -> Memory:
    """What a worker holds.

    Args:
        shape: of the model.
        stage: of ZeRO, 0 to 3.
        workers: that share a step.
        kept: by the forward of the largest micro-batch.
        device: cpu or cuda. Buffers of a fixed size cost a CPU only what is used of them.
        saving: bytes of what is copied to be written. From a GPU the copies go to its host.
    """
    whole, share = FP32 * shape.parameters, FP32 * shape.parameters / workers
    gradients = {0: whole, 1: whole, 2: share, 3: share}[stage]
    return Memory(
        stage=stage,
        weights=share if stage == 3 else whole,
        gradients=gradients,
        optimizer={0: 2 * whole, 1: 3 * share, 2: 3 * share, 3: 2 * share}[stage],
        activations=kept.layers + kept.rest,
        copies=kept.weights,
        # The log-probabilities that are kept, and two gradients of their size in the backward.
        logits=3 * kept.logits,
        buffers=_buffers(shape, stage, device),
        saving=saving if device == "cpu" else 0.0,
        # The model is built whole on every worker; only then does stage 3 share it out.
        starting=whole + share if stage == 3 else whole,
    )


def _buffers(shape: Shape, stage: int, device: str) -> float:
    if stage == 0:
        return 0.0  # flattens after the backward, in less than a backward takes
    on_gpu = device == "cuda"
    bucket = FP32 * (BUCKET if on_gpu else min(BUCKET, shape.parameters))
    large = FP32 * shape.largest if shape.largest > BUCKET else 0
    if stage == 3:
        return bucket + large + FP32 * min(shape.parameters, max(LIVE, shape.largest))
    return bucket * (2 if on_gpu else 1) + large  # two, so that one fills while one is sent


def fits(needed: float, gib: float) -> bool:
    """Whether a GPU of so many GiB holds this."""
    return needed <= USABLE * gib * 2**30
