"""Where a service listens, and how it starts and ends."""

import ipaddress
import os
import socket
from dataclasses import dataclass

from ..core.checks import check_integer, check_real
from ..core.errors import ArgumentError
from .settings import Settings

__all__ = ["Deployment", "listen"]

_BACKLOG = 2048


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """How a service runs.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        Address to listen on. Without keys it must be one of this machine only, unless ``no_auth``.
    port : int, default=8080
        0 for any that is free.
    uds : str, optional
        Path of a Unix socket to listen on instead.
    workers : int, default=1
        Processes. They share the mapped files of the models.
    no_auth : bool, default=False
        Whether everyone who reaches the service may ask.
    drain : float, default=5.0
        Seconds between the signal to end and the end of listening, in which a load balancer sends new requests
        elsewhere.
    grace : float, default=30.0
        Seconds after that in which requests are answered that have begun.
    max_connections : int, default=4096
        Most connections of each process.
    arrival : float, default=10.0
        Seconds in which a request must arrive, head and body.
    keep_alive : float, default=75.0
        Seconds that a connection may be idle. Longer than a load balancer's, so that this side never closes first.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    uds: str | None = None
    workers: int = 1
    no_auth: bool = False
    drain: float = 5.0
    grace: float = 30.0
    max_connections: int = 4096
    arrival: float = 10.0
    keep_alive: float = 75.0

    def __post_init__(self) -> None:
        check_integer("port", self.port, 0, 65535)
        check_integer("workers", self.workers, 1, 1024)
        check_integer("max_connections", self.max_connections, 1, 2**20)
        check_real("drain", self.drain, least=0.0)
        check_real("grace", self.grace, least=0.0)
        check_real("arrival", self.arrival, above=0.0)
        check_real("keep_alive", self.keep_alive, above=0.0)

    def check_access(self, settings: Settings) -> None:
        """Refuse to answer other machines without keys."""
        if settings.keys is None and not self.no_auth and self.uds is None and not _own(self.host):
            problem = f"is {self.host!r}, which other machines reach, but there are no keys"
            raise ArgumentError("host", problem, ({"no_auth": True}, "if everyone who reaches it may ask"))

    def url(self, listener: socket.socket) -> str:
        """Return the address of the service on an open socket."""
        if self.uds is not None:
            return f"unix:{self.uds}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{listener.getsockname()[1]}"


def listen(deployment: Deployment) -> socket.socket:
    """Open the socket of a service.

    Raises
    ------
    OSError
        If the address is taken, unknown, or not one of this machine's; the message names it.
    """
    if deployment.uds is not None:
        if os.path.exists(deployment.uds):
            os.unlink(_old_socket(deployment.uds))
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.bind(deployment.uds)
    else:
        where = f"{deployment.host}:{deployment.port}"
        try:
            addresses = socket.getaddrinfo(deployment.host, deployment.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(error.errno, error.strerror, where) from None
        family, kind, _, _, address = addresses[0]
        found = socket.socket(family, kind)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(address)
        except OSError as error:
            found.close()
            raise OSError(error.errno, error.strerror, where) from None
    found.listen(_BACKLOG)
    found.setblocking(False)
    return found


def _old_socket(path: str) -> str:
    """Return the path of a socket that an earlier process has left; ``ArgumentError`` if it is something else."""
    import stat

    if not stat.S_ISSOCK(os.stat(path).st_mode):
        raise ArgumentError("uds", f"is {path!r}, which is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(path) == 0:
            raise ArgumentError("uds", f"is {path!r}, where another process listens")
    return path


def _own(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
