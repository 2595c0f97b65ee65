"""Our own side as the doctor sees it: settings, profile, daemon, keys, room and clock, as values.

What is not known is `None`. Frozen; nothing here opens a file or raises.
"""

from dataclasses import dataclass, field

from sealgate.profile.model import Problem, Profile
from sealgate.profile.settings import Settings, Socket


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the profile held against the DNS: `state` as `keys test` has it, and its sentences."""

    name: str
    state: str
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """What there is to judge the clock by.

    Attributes:
        now: seconds since the epoch.
        newest: the same, of the newest file of ours, and its path.
        is_kept: whether the kernel says that something keeps its clock in step; `None`: it says nothing.
    """

    now: float
    newest: float = 0.0
    newest_file: str = ""
    is_kept: bool | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """Room for the record: octets free to ordinary accounts, of how many, and files (inodes) free, of how many."""

    folder: str
    free: int
    size: int
    files_free: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class GateState:
    """What `sealgate status` says.

    Attributes:
        is_running: whether there is a supervisor.
        reasons: why it is not ready.
        warnings: what is to be mended while it works.
        unread: why its files could not be read; then the rest says nothing.
    """

    is_running: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Our own side.

    Attributes:
        settings: of this host; the defaults where the file cannot be used.
        profile: `None` where it cannot be used.
        problems: of settings, profile, keys and the spelling of logins.
        state: of the daemon; `None` where it was not asked.
        keys: held against the DNS; `None` where it was not asked.
        keys_unread: why not.
        room: for the record; `None` where its folder is missing.
        clock: `None` where it was not looked at.
    """

    settings: Settings = field(default_factory=Settings)
    profile: Profile | None = None
    problems: tuple[Problem, ...] = ()
    state: GateState | None = None
    keys: tuple[Key, ...] | None = None
    keys_unread: str = ""
    room: Room | None = None
    clock: Clock | None = None

    @property
    def socket(self) -> Socket:
        """Where the gate listens."""
        return self.settings.socket
