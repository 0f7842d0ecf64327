"""Hosts on one machine: network namespaces with addresses of their own, on one bridge.

    namespace   eth0 10.77.N.1  ====  port on the bridge
    namespace   eth0 10.77.N.2  ====  port on the bridge
    here                              the bridge, 10.77.N.254

What runs in them shares this machine's files and cores. A cable can be cut, narrowed with `tc`, and
made slow: by a process that holds frames back, as not every kernel has `netem`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import psutil

WIRE = Path(__file__).with_name("wire.py")
BURST = "64kb"
NETS = (number % 250 + 1 for number in count(os.getpid()))


class Host(NamedTuple):
    """A namespace, its address, and its end of the cable on the bridge."""

    name: str
    address: str
    port: str
    bridge: str


def missing() -> str | None:
    """Why there can be no hosts on this machine, in a sentence; None if there can."""
    if not Path("/dev/net/tun").exists():
        return "hosts on one machine take a kernel with TAP devices, and /dev/net/tun"
    name = f"bed-try-{os.getpid()}"
    try:
        tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    except FileNotFoundError:
        return "hosts on one machine take Linux and `ip`"
    if tried.returncode:
        return "hosts on one machine take root, and a kernel with network namespaces"
    ip("netns", "del", name)
    return None


@contextmanager
def hosts(*names: str) -> Iterator[dict[str, Host]]:
    """A host for each name. At the end, all that runs on them is killed and nothing is left."""
    net = _take_net()
    bridge = f"bed{net}"
    made = {
        name: Host(f"bed{net}-{name}", f"10.77.{net}.{at}", f"bed{net}p{at}", bridge)
        for at, name in enumerate(names, 1)
    }
    try:
        ip("addr", "add", f"10.77.{net}.254/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for host in made.values():
            _connect(host)
        yield made
    finally:
        for host in made.values():
            kill(host)
            ip("link", "del", host.port, check=False)  # at once; a namespace lets go of it later
            ip("netns", "del", host.name, check=False)
        ip("link", "del", bridge, check=False)


def ip(*words: str, check: bool = True) -> str:
    """What an `ip` command says."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert not (check and done.returncode), f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


def on(host: Host, *command: str) -> list[str]:
    """The command that runs a command on a host."""
    return ["ip", "netns", "exec", host.name, *command]


def processes(host: Host) -> list[psutil.Process]:
    """What runs on a host."""
    found = []
    for pid in ip("netns", "pids", host.name, check=False).split():
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(int(pid)))
    return found


def kill(host: Host) -> None:
    """SIGKILL to all that runs on a host, what it starts meanwhile too."""
    while found := processes(host):
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=5)


@contextmanager
def cut(host: Host) -> Iterator[None]:
    """The cable of a host is out meanwhile."""
    ip("link", "set", host.port, "down")
    try:
        yield
    finally:
        ip("link", "set", host.port, "up")


@contextmanager
def narrow(host: Host, mbit: int) -> Iterator[None]:
    """No more than so many Mbit/s go to a host, and from it."""
    shape = ["root", "tbf", "rate", f"{mbit}mbit", "burst", BURST, "latency", "400ms"]
    ends: Sequence[list[str]] = (["tc", "-n", host.name, "qdisc"], ["tc", "qdisc"])
    for end, device in zip(ends, ("eth0", host.port), strict=True):
        subprocess.run([*end, "replace", "dev", device, *shape], check=True)
    try:
        yield
    finally:
        for end, device in zip(ends, ("eth0", host.port), strict=True):
            subprocess.run([*end, "del", "dev", device, "root"], check=True)


@contextmanager
def slow(host: Host, seconds: float) -> Iterator[Host]:
    """What a host sends takes so long meanwhile; the host, with the port that it has for it."""
    inner, outer = f"{host.port}i", f"{host.port}o"
    wire = subprocess.Popen(
        [sys.executable, str(WIRE), inner, outer, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert wire.stdout
        assert wire.stdout.readline() == "ready\n"
        address = ip("netns", "exec", host.name, "cat", "/sys/class/net/eth0/address").strip()
        ip("link", "set", inner, "address", address)  # so that nobody has to learn a new one
        ip("link", "set", inner, "netns", host.name)
        _exchange(host, "eth0", "cable", inner)
        ip("link", "set", outer, "master", host.bridge, "up")
        yield host._replace(port=outer)
    finally:
        if ip("-n", host.name, "link", "show", "cable", check=False):
            _exchange(host, "eth0", inner, "cable")
        wire.kill()
        wire.communicate()


def _take_net() -> int:
    """The number of a new bridge: another one each time, as the kernel clears away behind us."""
    for net in islice(NETS, 250):
        add = ["ip", "link", "add", f"bed{net}", "type", "bridge"]
        if subprocess.run(add, capture_output=True, check=False).returncode == 0:
            return net
    raise RuntimeError("no bridge can be made")


def _connect(host: Host) -> None:
    ip("netns", "add", host.name)
    ip("link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    ip("link", "set", host.port, "master", host.bridge, "up")
    ip("-n", host.name, "link", "set", "lo", "up")
    _address(host)


def _exchange(host: Host, present: str, kept_as: str, following: str) -> None:
    """Give the host's address to another device, with the name of the present one."""
    ip("-n", host.name, "link", "set", present, "down")
    ip("-n", host.name, "addr", "flush", "dev", present)
    ip("-n", host.name, "link", "set", present, "name", kept_as)
    ip("-n", host.name, "link", "set", following, "down")
    ip("-n", host.name, "link", "set", following, "name", present)
    _address(host)


def _address(host: Host) -> None:
    ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
    ip("-n", host.name, "link", "set", "eth0", "up")
    bridge = ip("-4", "-o", "addr", "show", "dev", host.bridge).split()[3].partition("/")[0]
    ip("-n", host.name, "route", "add", "default", "via", bridge)
