"""Whether a device is made for the products that it is asked for."""

import platform

import torch


def slow_products(precision: str, device: torch.device) -> str | None:
    """A sentence if products of this precision run on the device, but tens of times too slowly.

    Only a warning: another precision would change the loss curve, and so is the user's to choose.
    """
    if precision != "bf16" or knows_bf16(device):
        return None
    what = "the GPU" if device.type == "cuda" else "the CPU"
    return (
        f"precision is bf16, for which {what} of the first worker has no instructions: steps take "
        "many times as long as with precision=fp32"
    )


def knows_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bf16; true where that cannot be asked."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    known = torch.cpu.get_capabilities()
    return bool(known["avx512_bf16"] or known["amx_bf16"])
