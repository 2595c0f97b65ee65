"""Which DNS servers a verb asks: those of `--server`, else those of the service settings, else the system's."""

from pathlib import Path

from sealgate.adapters.dns import Resolver
from sealgate.app.ports import PortError
from sealgate.cli import EX_CONFIG, EX_USAGE, Stop
from sealgate.profile.settings import parse_server
from sealgate.wiring import read_settings


def resolver(servers: tuple[str, ...], settings_path: Path, otherwise: str = "") -> Resolver:
    """Return the resolver; nothing is asked yet.

    Args:
        servers: what `--server` says, each ADDR or ADDR:PORT.
        settings_path: of the service settings, which need not be there.
        otherwise: what else may be done where this host has no servers, behind "name one with --server".

    Raises:
        Stop: a server is no address, or none is known.
    """
    try:
        asked = [parse_server(text) for text in servers]
    except ValueError as error:
        raise Stop(EX_USAGE, f"--server: {error}; an IP address, such as 192.0.2.53 or [2001:db8::53]:5353") from error
    if not asked:
        settings, _ = read_settings(settings_path)
        asked = list(settings.dns_servers) if settings is not None else []
    port = asked[0][1] if asked else 53
    if any(other != port for _, other in asked):
        raise Stop(EX_USAGE, "all DNS servers must be asked at one port; name one with --server")
    try:
        return Resolver(tuple(address for address, _ in asked), port)
    except PortError as error:
        raise Stop(EX_CONFIG, f"{error}; name one with --server{otherwise}") from error
