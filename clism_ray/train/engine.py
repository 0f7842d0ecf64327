"""DeepSpeed: the ZeRO dictionary, the engine, its weights in one place.

The ZeRO dictionary is built here from the configuration; there is no second file.
"""

import math
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from clism_ray.config import OptimizerConfig
from clism_ray.errors import RunFailed
from clism_ray.masking.order import slots_per_worker
from clism_ray.train.deepspeed_alone import compatible_ops, deepspeed
from clism_ray.train.settings import Settings

Engine = Any  # deepspeed.DeepSpeedEngine, which has no types


def zero_dictionary(config: Settings, workers: int) -> dict[str, Any]:
    """DeepSpeed's own configuration for this run on so many workers.

    Precision is left out on purpose: weights, gradients and their sums are fp32, and the model
    itself runs its products in bf16.
    """
    return {
        "train_micro_batch_size_per_gpu": config.batch.micro_batch,
        "gradient_accumulation_steps": slots_per_worker(config.batch.slots, workers),
        "gradient_clipping": config.optimizer.clip,
        "zero_optimization": {
            "stage": config.zero.stage,
            "contiguous_gradients": True,
            "overlap_comm": config.scaling.device == "cuda",
        },
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 2**31,
        "wall_clock_breakdown": False,
        "timers": {"throughput": {"enabled": False}},  # it would wait for the GPU twice a turn
    }


def start_engine(model: nn.Module, config: Settings, workers: int) -> Engine:
    """Wrap a model and AdamW, ready to train; torch.distributed must be up."""
    model.train()  # Hugging Face loads models without dropout
    # Only inference uses this kernel, and its first use would compile for half a minute.
    compatible_ops["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(
        dist_backend=config.scaling.backend, dist_init_required=False, verbose=False
    )
    optimizer = torch.optim.AdamW(
        parameter_groups(model, config.optimizer),
        lr=config.optimizer.learning_rate,
        betas=(config.optimizer.beta1, config.optimizer.beta2),
        eps=config.optimizer.epsilon,
    )
    engine, *_ = deepspeed.initialize(
        model=model, optimizer=optimizer, config=zero_dictionary(config, workers)
    )
    return engine


def parameter_groups(model: nn.Module, optimizer: OptimizerConfig) -> list[dict[str, Any]]:
    """Matrices decay; biases and layer norms do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in parameters if parameter.dim() > 1],
            "weight_decay": optimizer.weight_decay,
        },
        {
            "params": [parameter for parameter in parameters if parameter.dim() <= 1],
            "weight_decay": 0.0,
        },
    ]
    return [group for group in groups if group["params"]]


def set_learning_rate(engine: Engine, rate: float) -> None:
    """The rate of the next optimizer step. A function of the step alone, so nothing is saved."""
    for group in engine.optimizer.param_groups:
        group["lr"] = rate


def backward(engine: Engine, loss: Tensor) -> None:
    """Add the gradient of one micro-batch's share of the step's loss.

    DeepSpeed averages gradients over the workers, but the share is already divided by the counts
    of the whole step: undo it. Accumulation is not divided by either.
    """
    engine.backward(loss * dist.get_world_size(), scale_wrt_gas=False)


def change_weights(engine: Engine, step: int) -> float:
    """Take the optimizer step after the last backward; the gradient's norm, before clipping.

    All ranks raise RunFailed, and no weight has changed, if the gradient is not finite.
    """
    if engine.zero_optimization_stage() == 0:  # DeepSpeed would hand it to AdamW as it is
        found = [p.grad for p in engine.module.parameters() if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(found))
        _check_gradient(norm, step)
        engine.step()
        return norm
    engine.step()
    norm = float(engine.get_global_grad_norm())
    _check_gradient(norm, step)
    return norm


def _check_gradient(norm: float, step: int) -> None:
    if not 0 <= norm < math.inf:  # at other stages DeepSpeed has left the weights as they were
        raise RunFailed(f"the gradient is not finite at step {step}, though the loss is")


def parameter_count(model: nn.Module) -> int:
    """Parameters of a whole model, sharded or not."""
    return sum(getattr(p, "ds_numel", p.numel()) for p in model.parameters())


def full_weights(engine: Engine) -> dict[str, Tensor]:
    """Copies of the model's weights on the CPU of rank 0; empty elsewhere. All ranks call it."""
    module = engine.module
    root = dist.get_rank() == 0
    weights: dict[str, Tensor] = {}
    if engine.zero_optimization_stage() < 3:
        copies: dict[tuple[int, torch.Size], Tensor] = {}
        for name, tensor in module.state_dict().items() if root else ():
            own = (tensor.data_ptr(), tensor.shape)  # tied weights stay one tensor
            copies[own] = copies[own] if own in copies else tensor.detach().to("cpu", copy=True)
            weights[name] = copies[own]
        return weights
    # One parameter at a time: no rank ever holds the whole model beside its shards.
    for name, parameter in module.named_parameters():
        with deepspeed.zero.GatheredParameters([parameter]):
            if root:
                weights[name] = parameter.detach().to("cpu", copy=True)
    first = {parameter: name for name, parameter in module.named_parameters()}
    tied = module.named_parameters(remove_duplicate=False) if root else ()
    return {name: weights[first[parameter]] for name, parameter in tied}
