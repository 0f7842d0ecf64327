"""Hosts on one machine: they reach each other, and their cables can be cut, narrow and slow."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.cluster.hosts import Host, cut, hosts, ip, missing, narrow, on, processes, slow

MISSING = missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=str(MISSING))

# One connection: so many bytes go over, then an answer comes back; the seconds that took.
TAKE = """
import socket
server = socket.create_server(("0.0.0.0", 9000))
print("ready", flush=True)
while True:
    peer, _ = server.accept()
    left = int(peer.recv(16))
    while left:
        left -= len(peer.recv(65536))
    peer.sendall(b"!")
"""
GIVE = """
import socket, sys, time
address, size = sys.argv[1], int(sys.argv[2])
began = time.monotonic()
peer = socket.create_connection((address, 9000), timeout=5)
peer.settimeout(10)
peer.sendall(f"{size:16}".encode() + bytes(size))
assert peer.recv(1)
print(time.monotonic() - began)
"""


@pytest.fixture
def two() -> Iterator[tuple[Host, Host]]:
    with hosts("a", "b") as made:
        with subprocess.Popen(
            on(made["b"], "python3", "-c", TAKE), stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            yield made["a"], made["b"]
            server.kill()


def seconds(two: tuple[Host, Host], size: int = 1) -> float | None:
    """How long it takes to bring so many bytes to the other host; None if it is not reached."""
    command = on(two[0], "python3", "-c", GIVE, two[1].address, str(size))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def test_hosts_have_addresses_of_their_own_and_reach_each_other(two: tuple[Host, Host]) -> None:
    assert two[0].address != two[1].address
    assert two[0].address in ip("-n", two[0].name, "addr", "show", "eth0")
    assert seconds(two) is not None


def test_a_cut_cable_brings_nothing_and_a_mended_one_does(two: tuple[Host, Host]) -> None:
    with cut(two[1]):
        assert seconds(two) is None
    assert seconds(two) is not None


def test_a_narrow_cable_takes_its_time_for_much_and_a_slow_one_for_little(
    two: tuple[Host, Host],
) -> None:
    with narrow(two[0], mbit=8):
        assert (seconds(two, 500_000) or 0) > 0.4  # 4 Mbit, but for the burst
    with slow(two[0], 0.05):
        assert (seconds(two) or 0) > 0.1  # to connect, and to send
        with slow(two[1], 0.05):
            assert (seconds(two) or 0) > 0.2
    assert seconds(two) is not None
    for host in two:
        assert "tbf" not in ip("netns", "exec", host.name, "tc", "qdisc")
        assert "cable" not in ip("-n", host.name, "link")


def test_nothing_is_left_of_hosts_even_of_what_fails_on_them() -> None:
    with suppress(RuntimeError), hosts("a") as made:
        left = subprocess.Popen(on(made["a"], "sleep", "1000"))
        while not processes(made["a"]):
            pass
        name, bridge = made["a"].name, made["a"].bridge
        raise RuntimeError
    left.wait()
    assert not psutil.pid_exists(left.pid)
    assert not re.search(rf"^{name}\b", ip("netns", "list"), re.MULTILINE)
    assert bridge not in ip("link", "show")
