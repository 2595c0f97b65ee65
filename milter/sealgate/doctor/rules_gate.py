"""Rules: our own side, which no MTA can make up for: settings, profile, keys, DNS, room for the record, clock."""

from collections.abc import Iterator
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, unknown, warning, wrong
from sealgate.doctor.host import Host
from sealgate.profile.model import Problem

MIN_FREE: Final = 512 * 1024 * 1024  # octets: with less the record's reserve is the next to go
MIN_SHARE: Final = 0.05  # of the file system, and of its inodes
AHEAD: Final = 300.0  # seconds, Kerberos' own limit (clockskew, krb5.conf(5))
_PUBLISHED: Final = ("ok", "testing")


@rule(
    "gate.profile",
    "sealgate check; doc/binding.md",
    "a profile that cannot be used stops the next start, and a reload keeps the old one",
)
def profile(host: Host) -> Iterator[Told]:
    """Whether settings, profile and key files can be used by the gate's account: what `sealgate check` says."""
    for problem in host.gate.problems:
        tell = wrong if problem.is_error else warning
        yield tell(_place(problem), problem.message, *((f"# {problem.suggestion}",) if problem.suggestion else ()))
    if not any(problem.is_error for problem in host.gate.problems):
        yield fine(host.gate.settings.profile, "can be used")


def _place(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}" if problem.line else problem.file


@rule("gate.running", "sealgate status; doc/operations.md", "without the gate all mail waits, or leaves unjudged")
def running(host: Host) -> Iterator[Told]:
    """Whether the daemon runs and is ready: what `sealgate status` says."""
    state, place = host.gate.state, host.gate.settings.runtime
    if state is None:
        return
    if state.unread:
        yield unknown(place, state.unread, "# run sealgate doctor as root")
        return
    if not state.is_running:
        yield wrong(place, "the gate does not run", "# systemctl start sealgate; journalctl -u sealgate -n 50")
        return
    for reason in state.reasons:
        yield wrong(place, reason, "# sealgate status")
    for text in state.warnings:
        yield warning(place, text, "# sealgate status")
    if not state.reasons:
        yield fine(place, "runs and is ready")


@rule("gate.dns", "RFC 6376 3.6.2; sealgate keys test", "what nobody can verify counts as unsigned where it arrives")
def dns(host: Host) -> Iterator[Told]:
    """Whether the DNS publishes each key of the profile: what `sealgate keys test` says."""
    if host.gate.keys is None:
        if host.gate.keys_unread:
            yield unknown("DNS", host.gate.keys_unread, "# sealgate keys test --server ADDR")
        return
    for key in host.gate.keys:
        paste = (f"# {key.remedy}",) if key.remedy else ()
        if key.state in _PUBLISHED:
            yield fine(key.name, key.says)
        elif key.state == "unknown":
            yield unknown(key.name, key.says, *paste)
        else:
            yield wrong(key.name, key.says, *(paste or ("# sealgate keys test",)))


@rule(
    "gate.room",
    "doc/audit-retention.md; statvfs(3)",
    "where no line can be written no mail is let go: the record comes before the answer",
)
def room(host: Host) -> Iterator[Told]:
    """Whether the file system of the record has room, in octets and in files."""
    found = host.gate.room
    if found is None:
        yield wrong(
            host.gate.settings.audit_log,
            "the folder of the record does not exist",
            f"# install -d -o sealgate -g sealgate -m 0750 {host.gate.settings.audit_log.rpartition('/')[0]}",
        )
        return
    mend = "# sealgate audit rotate; move old segments away (doc/audit-retention.md), or make room"
    is_short = found.free < MIN_FREE and found.free < found.size * MIN_SHARE
    if found.size and found.free == 0:
        yield wrong(found.folder, "the file system is full", mend)
    elif found.size and is_short:
        yield warning(found.folder, f"{found.free // 1024**2} MiB free of {found.size // 1024**2}", mend)
    elif found.files and found.files_free < found.files * MIN_SHARE:
        yield warning(found.folder, f"{found.files_free} files (inodes) free of {found.files}", mend)
    else:
        yield fine(found.folder, f"{found.free // 1024**2} MiB free")


@rule(
    "gate.clock",
    "RFC 6376 3.5 (t=, x=); RFC 4120 1.6; adjtimex(2)",
    "signatures, tickets and the record all carry the time, and a wrong one makes them worthless",
)
def clock(host: Host) -> Iterator[Told]:
    """Whether the clock goes: nothing of ours is from the future, and the kernel says that something keeps it right."""
    found = host.gate.clock
    if found is None:
        return
    if found.newest > found.now + AHEAD:
        yield wrong(
            found.newest_file,
            f"was written {found.newest - found.now:.0f} s in the future: the clock was set back, or was wrong",
            "# timedatectl status; chronyc tracking",
        )
    elif found.is_kept is None:
        yield unknown("clock", "the kernel does not say whether anything keeps its clock right", "# timedatectl status")
    elif not found.is_kept:
        yield warning(
            "clock", "nothing keeps the kernel's clock right (no NTP, or not in step yet)", "# timedatectl set-ntp true"
        )
    else:
        yield fine("clock", "is kept right")
