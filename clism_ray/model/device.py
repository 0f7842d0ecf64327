"""Which device a loaded model answers on."""

import torch

from clism_ray.errors import InputError


def device_of(name: str | None) -> torch.device:
    """The device of that name; without one, a GPU if there is one. InputError if it is not there.

    The name is one of torch's, as `cpu`, `cuda` or `cuda:1`.
    """
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        told = str(error).splitlines()[0]
        raise InputError(f"device {name!r} cannot be used: {told}; try cpu") from error
    return device
