"""Service settings: how this host runs the filter. A change needs a restart, unlike the profile's.

Takes text, gives a `Settings` and every problem at once; it never raises and opens no file. An empty file means the
defaults. Sockets are understood in the dialects of Postfix and of Sendmail's libmilter, and can be printed in both.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, Literal

from sealgate.profile.fields import Fields, read_fields
from sealgate.profile.model import Place, Problem
from sealgate.profile.nodes import Problems, Scalar, read_tree, shown

POSTFIX_QUEUE: Final = "/var/spool/postfix/"
# sockaddr_un holds 107 octets and a NUL (unix(7)); 9 are kept for the private name under which it is bound first.
MAX_UNIX_PATH: Final = 98
SETTINGS_KEYS: Final = (
    "socket", "socket_mode", "workers", "readers", "profile", "audit_log", "state", "runtime", "log_level",
    "drain_max", "reader_memory_mb", "in_flight_mb", "deadline_seconds", "durability", "http", "dns_servers",
)  # fmt: skip
SETTINGS_CHOICES: Final = MappingProxyType(
    {"log_level": ("debug", "info", "warning", "error"), "durability": ("before-verdict", "interval", "none")}
)

_MODE = re.compile(r"0?[0-7]{3}")
_SENDMAIL = re.compile(r"([0-9]{1,5})@(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})")
_POSTFIX = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})")
_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::([0-9]{1,5}))?")
_VOLATILE: Final = ("/run/", "/var/run/", "/tmp/", "/dev/shm/")  # noqa: S108 - compared, never written to


@dataclass(frozen=True, slots=True)
class Socket:
    """Where the MTA connects. `path` is set for `unix`, `host` (without brackets) and `port` for the others."""

    family: Literal["unix", "inet", "inet6"]
    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return self.for_sendmail

    @property
    def for_postfix(self) -> str:
        """As Postfix's `smtpd_milters` wants it: `inet:host:port` or `unix:path`.

        A path inside the queue directory is given relative to it: that works for chrooted and for other daemons.
        """
        if self.family == "unix":
            return f"unix:{self.path.removeprefix(POSTFIX_QUEUE)}"
        host = f"[{self.host}]" if ":" in self.host else self.host  # a name has no brackets
        return f"inet:{host}:{self.port}"

    @property
    def for_sendmail(self) -> str:
        """As Sendmail's `INPUT_MAIL_FILTER` and libmilter want it: `inet:port@host` or `unix:/path`."""
        if self.family == "unix":
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host  # a name has no brackets
        return f"{self.family}:{self.port}@{host}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this host can connect, as far as the text shows."""
        try:
            return self.family == "unix" or ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this host runs the filter; the defaults are those of a packaged installation."""

    socket: Socket = Socket("unix", "/run/sealgate/sealgate.sock")
    socket_mode: int = 0o660
    workers: int = 0  # processes; 0: one a core
    readers: int = 1  # processes that read heavy HTML
    profile: str = "/etc/sealgate/profile.yaml"
    audit_log: str = "/var/log/sealgate/audit.jsonl"
    state: str = "/var/lib/sealgate"
    runtime: str = "/run/sealgate"
    log_level: str = "info"
    drain_max: int = 900  # seconds that a worker may take to end its connections at a restart
    reader_memory_mb: int = 512  # MiB of address space of one reader process
    in_flight_mb: int = 128  # MiB that one worker keeps of all messages under way
    deadline_seconds: int = 5  # for all that is asked of the world about one message
    durability: str = "before-verdict"  # the audit line is on disk before the MTA gets its answer
    http: Socket | None = None  # where the pages about our health are served; None: nowhere
    dns_servers: tuple[tuple[str, int], ...] = ()  # address and port, one for all; none: the system's


def parse_socket(text: str) -> Socket:
    """Read a socket in either dialect.

    `inet:8894@127.0.0.1`, `inet:127.0.0.1:8894`, `inet6:8894@[::1]`, `inet:[::1]:8894`, `unix:/path`, `local:/path`,
    `/path`.

    Raises:
        ValueError: it is none of these; the message says what is missing.
    """
    kind, colon, rest = text.partition(":")
    if text.startswith("/"):
        return _unix(text)
    if not colon:
        raise ValueError("it has neither a family (unix:, inet:, inet6:) nor the / of a path")
    if kind in ("unix", "local"):
        return _unix(rest)
    if kind not in ("inet", "inet6"):
        raise ValueError(f"{shown(kind)} is no family: write unix, local, inet or inet6")
    if found := _SENDMAIL.fullmatch(rest):
        port, host = found.groups()
    elif found := _POSTFIX.fullmatch(rest):
        host, port = found.groups()
    else:
        raise ValueError("write inet:8894@127.0.0.1 or inet:127.0.0.1:8894; the host must be said, IPv6 in brackets")
    if not 0 < int(port) < 65536:
        raise ValueError("the port must be from 1 to 65535")
    return _inet(kind, host, int(port))


def parse_server(text: str) -> tuple[str, int]:
    """Read a DNS server: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises:
        ValueError: it is none of these; a name is none either, as nobody could be asked for its address.
    """
    found = _SERVER.fullmatch(text)
    address, port = (found[1] or found[2], int(found[3] or 53)) if found else (text, 53)
    if not 0 < port < 65536:
        raise ValueError("the port must be from 1 to 65535")
    return str(ip_address(address)), port


def _unix(path: str) -> Socket:
    if not path.startswith("/"):
        raise ValueError("the path must be absolute")
    if len(path.encode("utf-8", "replace")) > MAX_UNIX_PATH:
        raise ValueError(f"the path is longer than {MAX_UNIX_PATH} octets")
    if path.endswith("/"):
        raise ValueError("the path names a folder: add the name of the socket")
    return Socket("unix", path)


def _inet(kind: str, host: str, port: int) -> Socket:
    if host.startswith("["):
        address = ip_address(host[1:-1])
        if address.version != 6:
            raise ValueError("only an IPv6 address stands in brackets")
        return Socket("inet6", host=str(address), port=port)
    if re.fullmatch(r"[0-9.]+", host):
        ip_address(host)
        if kind == "inet6":
            raise ValueError("inet6 needs an IPv6 address in brackets, or a name")
    return Socket("inet6" if kind == "inet6" else "inet", host=host, port=port)


def parse_settings(text: str, file: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Read service settings.

    Args:
        text: the YAML text; an empty one means the defaults.
        file: its name, for the messages.

    Returns:
        The settings, or None where there is an error, and all problems in the order of the file.
    """
    problems = Problems(file)
    root = read_tree(text, problems)
    if root is None:
        return (None if problems.errors else Settings()), problems.listed()
    fields = read_fields(root, SETTINGS_KEYS, "the settings", problems)
    usual = Settings()
    settings = Settings(
        socket=_socket(fields, "socket") or usual.socket,
        socket_mode=_mode(fields, usual.socket_mode),
        workers=fields.whole("workers", 0, 256, usual.workers),
        readers=fields.whole("readers", 1, 64, usual.readers),
        profile=_path(fields, "profile", usual.profile),
        audit_log=_path(fields, "audit_log", usual.audit_log),
        state=_path(fields, "state", usual.state),
        runtime=_path(fields, "runtime", usual.runtime),
        log_level=fields.choice("log_level", SETTINGS_CHOICES["log_level"], usual.log_level),
        drain_max=fields.whole("drain_max", 1, 86_400, usual.drain_max),
        reader_memory_mb=fields.whole("reader_memory_mb", 64, 65_536, usual.reader_memory_mb),
        # One message may have 3 MB of text and header; a worker that has room for none would defer all.
        in_flight_mb=fields.whole("in_flight_mb", 8, 65_536, usual.in_flight_mb),
        # Postfix gives a milter 30 s for a command (milter_command_timeout); signing and syncing need their share.
        deadline_seconds=fields.whole("deadline_seconds", 1, 24, usual.deadline_seconds),
        durability=fields.choice("durability", SETTINGS_CHOICES["durability"], usual.durability),
        http=_http(fields),
        dns_servers=_servers(fields),
    )
    _judge(settings, fields)
    return (None if problems.errors else settings), problems.listed()


def _socket(fields: Fields, key: str) -> Socket | None:
    text = fields.text(key)
    if not text:
        return None
    try:
        return parse_socket(text)
    except ValueError as error:
        fields.problems.error(_value(fields, key), f"{shown(text)} is no socket: {error}")
        return None


def _http(fields: Fields) -> Socket | None:
    """Where the pages are served: `off`, nothing and an empty text mean nowhere."""
    node = fields.nodes.get("http")
    return None if isinstance(node, Scalar) and node.text in ("", "off") else _socket(fields, "http")


def _servers(fields: Fields) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for text, place in fields.texts("dns_servers", one_will_do=True):
        try:
            found.append(parse_server(text))
        except ValueError as error:
            fields.problems.error(place, f"{shown(text)} is no DNS server: {error}", "such as 192.0.2.53 or [::1]:5353")
    if len({port for _, port in found}) > 1:
        fields.problems.error(_value(fields, "dns_servers"), "all DNS servers must have the same port")
    return tuple(found)


def _mode(fields: Fields, usual: int) -> int:
    text = fields.text("socket_mode")
    if not text:
        return usual
    if not _MODE.fullmatch(text):
        fields.problems.error(_value(fields, "socket_mode"), "`socket_mode` must be three octal digits", "such as 0660")
        return usual
    return int(text, 8)


def _path(fields: Fields, key: str, usual: str) -> str:
    text = fields.text(key, usual)
    if not text.startswith("/"):
        fields.problems.error(_value(fields, key), f"{shown(key)} must be an absolute path, not {shown(text)}")
        return usual
    return text.rstrip("/") or "/"


def _value(fields: Fields, key: str) -> Place:
    return fields.nodes[key].place


def _judge(settings: Settings, fields: Fields) -> None:
    """Warn of what is allowed and rarely meant."""
    where, problems = settings.socket, fields.problems
    if where.family != "unix":
        problems.warning(
            fields.at("socket"),
            "a TCP peer is not authenticated: any local account could claim a login through this socket",
            "a Unix socket with mode 0660 and the MTA in its group",
        )
        if not where.is_loopback:
            problems.warning(fields.at("socket"), f"{where.host} is not loopback: so could anybody who reaches it")
    elif settings.socket_mode & 0o007:
        problems.warning(
            fields.at("socket_mode"),
            f"mode {settings.socket_mode:04o}: any local account could claim a login through this socket",
            "0660, with the MTA in the socket's group",
        )
    if where.family == "unix" and settings.socket_mode & 0o600 != 0o600:
        problems.warning(
            fields.at("socket_mode"), f"mode {settings.socket_mode:04o} shuts out the filter's own account"
        )
    if settings.http is not None and not settings.http.is_loopback:
        problems.warning(
            fields.at("http"),
            f"{settings.http.host} is not loopback: who reaches it reads which keys and domains fail",
            "inet:8895@127.0.0.1, or a path",
        )
    if settings.http == where:
        problems.error(fields.at("http"), "`http` is the MTA's own socket: it needs another one")
    for key, path in (("audit_log", settings.audit_log), ("state", settings.state)):
        if f"{path}/".startswith(_VOLATILE):
            problems.warning(fields.at(key), f"{shown(key)} at {shown(path)} is lost when the host restarts")
