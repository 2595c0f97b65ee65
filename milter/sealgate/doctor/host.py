"""All that the doctor knows of a host, as values: somebody else has asked Postfix, the file system and the gate.

What is not known is `None` (or empty, where the attribute says so), and the rules do not judge it. Frozen; nothing
here opens a file or raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from sealgate.doctor.ours import Gate

EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Service:
    """One line of master.cf.

    Attributes:
        name: as written, such as `submission` or `127.0.0.1:587`.
        kind: `inet`, `unix`, `pass`, ...
        chroot: the column: `y`, `n` or `-` for the default.
        command: the program, such as `smtpd`.
        options: `-o` over main.cf, with `$name` expanded.
    """

    name: str
    kind: str
    chroot: str
    command: str
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    @property
    def label(self) -> str:
        """As postconf names it: `submission/inet`."""
        return f"{self.name}/{self.kind}"

    @property
    def port(self) -> str:
        """The port, by number or name, without the address before it."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Postfix:
    """What postconf says.

    Attributes:
        folder: where main.cf and master.cf are.
        is_default: whether it is the folder that Postfix reads without being told.
        main: every parameter of this version in force, with `$name` expanded.
        services: of master.cf.
    """

    folder: str
    is_default: bool
    main: Mapping[str, str]
    services: tuple[Service, ...] = ()

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor, (0, 0) where it makes no sense."""
        numbers = [
            int(word)
            for word in self.main.get("mail_version", "").split(".")[:2]
            if word.isascii() and word.isdecimal() and len(word) < 6
        ]
        return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)

    @property
    def queue(self) -> str:
        """The queue folder, which is the root of chrooted daemons and the working folder of all."""
        return self.main.get("queue_directory", "").rstrip("/") or "/var/spool/postfix"

    def of(self, service: Service | None, name: str) -> str:
        """A parameter as it is in force for a service, or for the whole of Postfix; empty where it is not known."""
        own = service.options.get(name) if service is not None else None
        return self.main.get(name, "") if own is None else own

    def knows(self, name: str) -> bool:
        """Whether this version has such a parameter."""
        return name in self.main

    def is_chrooted(self, service: Service) -> bool:
        """Whether a daemon runs in the chroot; `-` is `n` since Postfix 3.0, unless compatibility_level is below 1."""
        if service.chroot in ("y", "n"):
            return service.chroot == "y"
        level = self.main.get("compatibility_level", "").partition(".")[0]
        return self.version < (3, 0) or level == "0"


@dataclass(frozen=True, slots=True)
class Filter:
    """A milter of sendmail.cf: `Xname, S=..., F=..., T=...`."""

    name: str
    socket: str = ""
    flag: str = ""
    timeouts: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Daemon:
    """A listener of sendmail.cf (DaemonPortOptions). `filters` is `None` where it has no list of its own."""

    name: str
    port: str = "smtp"
    modifiers: str = ""
    filters: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sendmail:
    """What sendmail.cf says.

    Attributes:
        file: its path.
        version: macro Z, or what DZ says; empty where it says nothing.
        options: by lower-case name.
        filters: in the order in which they are declared.
        daemons: its listeners; none written means one on port 25.
    """

    file: str
    version: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    filters: tuple[Filter, ...] = ()
    daemons: tuple[Daemon, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of InputMailFilters, in order."""
        return tuple(word for each in self.options.get("inputmailfilters", "").split(",") if (word := each.strip()))


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way to the socket, or the socket at its end.

    Attributes:
        path: as this process sees it.
        kind: what is there; `unseen` where this process may not look.
        mode: permission bits.
        owner, group: by name, or as numbers where nobody has a name for them.
        may: whether the MTA's account may pass (a folder) or connect (a socket); `None` where it is not known.
    """

    path: str
    kind: Literal["folder", "socket", "other", "missing", "unseen"]
    mode: int = 0
    owner: str = ""
    group: str = ""
    may: bool | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a real connection and a negotiation of the milter protocol.

    Attributes:
        who: as whom it was tried, such as `postfix in the chroot /var/spool/postfix`.
        error: empty where the gate answered as a milter that wants what sealgate wants.
    """

    who: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """A way from a daemon of the MTA to the gate.

    Attributes:
        milter: the socket as the MTA names it.
        root: the chroot; empty without one.
        steps: the folders and the socket, from the top; none for TCP.
        tried: the connection; `None` where none was tried.
    """

    milter: str
    root: str
    steps: tuple[Step, ...] = ()
    tried: Tried | None = None


@dataclass(frozen=True, slots=True)
class Sasl:
    """What SASL's own files say.

    Attributes:
        file: Cyrus SASL's smtpd.conf, or Dovecot's socket.
        is_there: whether it is; `None` where this process may not look.
        mechanisms: mech_list; `None` where none is written.
    """

    file: str
    is_there: bool | None
    mechanisms: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """Everything.

    Attributes:
        mta: which one was looked at; empty: none is here.
        unread: why the MTA's configuration told nothing.
        postfix, sendmail: what it says.
        reaches: each way to the gate that the MTA takes.
        sasl: what the path of each kind of SASL leads to, by `type:path`.
        default_realm: of krb5.conf; empty where it is not known.
        account: of the MTA's daemons, such as `postfix`.
        gate: our own side.
    """

    mta: Literal["", "postfix", "sendmail"] = ""
    unread: str = ""
    postfix: Postfix | None = None
    sendmail: Sendmail | None = None
    reaches: tuple[Reach, ...] = ()
    sasl: Mapping[str, Sasl] = field(default_factory=lambda: MappingProxyType({}))
    default_realm: str = ""
    account: str = "postfix"
    gate: Gate = field(default_factory=Gate)
