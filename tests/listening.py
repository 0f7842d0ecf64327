"""Where processes listen."""

import ipaddress
import socket
from collections.abc import Iterable

import psutil

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def listening(processes: Iterable[psutil.Process]) -> list[Address]:
    """The addresses of the TCP sockets that any of the processes listens on."""
    return [
        _address(connection.laddr.ip)
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _address(text: str) -> Address:
    """IPv4 addresses of sockets for both come as ::ffff:127.0.0.1."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address
