"""What a step of training took: pairs and tokens a second, waiting for data, memory."""

import resource
from typing import Any

import torch


def speed(metrics: dict[str, Any], took: float, waited: float) -> dict[str, float]:
    """What a step cost: throughput, the share of it spent waiting for data, memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = {
        "speed/pairs_per_second": metrics.get("data/pairs", 0.0) / took,
        "speed/tokens_per_second": metrics.get("data/tokens", 0.0) / took,
        "speed/data_wait": waited / took,
        "memory/worker_gib": peak,
    }
    if torch.cuda.is_available():
        found["memory/device_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return found
