"""A cable that takes its time: what goes into one TAP device comes out of another, later.

    python tests/cluster/wire.py HERE THERE SECONDS

From HERE to THERE it takes so many seconds, from THERE to HERE none. `tc netem delay` in a process,
for kernels without it. Both devices are gone when it ends.
"""

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
FRAME = 65536


def tap(name: str) -> int:
    """Make a device; what the kernel sends through it is read from here."""
    opened = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(opened, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return opened


def put(device: int, frame: bytes) -> None:
    """A device that is down loses the frame, as a cable would."""
    with suppress(OSError):
        os.write(device, frame)


def carry(here: int, there: int, seconds: float) -> None:
    under_way: deque[tuple[float, bytes]] = deque()
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        ready, _, _ = select.select([here, there], [], [], wait)
        if there in ready:
            put(here, os.read(there, FRAME))
        if here in ready:
            under_way.append((time.monotonic() + seconds, os.read(here, FRAME)))
        while under_way and under_way[0][0] <= time.monotonic():
            put(there, under_way.popleft()[1])


if __name__ == "__main__":
    _, first, second, delay = sys.argv
    devices = tap(first), tap(second)
    print("ready", flush=True)
    carry(*devices, float(delay))
