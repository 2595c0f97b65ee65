"""Readiness: whether the gate signs, and whether what it signs can be verified where it arrives.

`judge` weighs what an examination of the keys found (`examining`) and what the supervisor says of its children, and
gives reasons and warnings in sentences for a person. A reason means not ready; a warning is something to mend while the
gate does its work. No answer of the DNS is a warning only: the gate must not be taken out of service because a name
server is slow. Pure: the clock is an argument, and nothing is raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.app.examining import Examined, KeyHealth
from sealgate.seal.published import Published, State

GRACE_SECONDS: Final = 15.0  # that a worker may take to put a profile in force
STUCK_SECONDS: Final = 180.0  # without an examination: whoever makes them hangs


@dataclass(frozen=True, slots=True)
class Staff:
    """What the supervisor says of itself and its children.

    Attributes:
        digest: of the profile in force.
        wanted, serving: worker processes there should be, and those that have it in force.
        behind: workers that serve by the profile before, `behind_for` seconds long.
        silent: workers that had it in force and do not answer the supervisor any more.
        kept: keys whose file cannot be used any more, each with why: the gate signs with what it had read before.
        failed_reload: why the last reload kept the old profile.
        writer: why the audit writer does not answer.
        seals: false where the profile says `seal: off`.
    """

    digest: str
    wanted: int
    serving: int
    behind: int = 0
    behind_for: float = 0.0
    silent: int = 0
    kept: tuple[str, ...] = ()
    failed_reload: str = ""
    writer: str = ""
    seals: bool = True


@dataclass(frozen=True, slots=True)
class Readiness:
    """The judgement; ready where there is no reason against it."""

    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether mail that passes now is signed, recorded, and verifiable as far as is known."""
        return not self.reasons


def judge(staff: Staff | None, examined: Examined | None, now: float) -> Readiness:
    """Weigh what is known.

    Args:
        staff: None while the gate starts.
        examined: the last examination; None before the first.
        now: seconds since the epoch.
    """
    if staff is None:
        return Readiness(("the gate is starting: not all workers are up",))
    reasons, warnings = [*_staff_reasons(staff)], [*_staff_warnings(staff)]
    if examined is None:
        reasons.append("the keys have not been tried yet")
        return Readiness(tuple(reasons), tuple(warnings))
    if examined.digest != staff.digest:
        warnings.append("the keys of the profile in force are being tried: what is said of keys is of the one before")
    if examined.fault:
        reasons.append(f"the keys could not be tried: {examined.fault}")
    if now - examined.at > STUCK_SECONDS:
        reasons.append(f"the keys were last tried {now - examined.at:.0f} seconds ago: the health process hangs")
    for what in examined.keyless:
        reasons.append(f"{what}: the profile wants its mail signed, and no key is loaded")
    for key in examined.keys:
        bad, unsure = _key_reasons(key)
        (reasons if key.is_used else warnings).extend(bad)
        warnings.extend(unsure if key.is_used else ())
    return Readiness(tuple(reasons), tuple(warnings))


def _staff_reasons(staff: Staff) -> Iterator[str]:
    if not staff.serving and not staff.behind:  # who is behind serves, by the profile before
        yield "no worker has the profile in force: mail is deferred; the log says why they die"
    if staff.behind and staff.behind_for > GRACE_SECONDS:
        yield (
            f"{staff.behind} of {staff.wanted} workers have not taken the profile in force for "
            f"{staff.behind_for:.0f} seconds and may sign with what was there before: restart them with SIGUSR2"
        )
    if staff.writer:
        yield f"nothing can be recorded, so all mail is deferred: {staff.writer}"


def _staff_warnings(staff: Staff) -> Iterator[str]:
    if not staff.seals:
        yield "the profile says `seal: off`: nothing is signed, on purpose"
    if staff.silent:
        yield f"{staff.silent} of {staff.wanted} workers silent: whoever answers nothing for a minute is replaced"
    missing = staff.wanted - staff.serving - staff.behind - staff.silent
    if staff.serving + staff.behind > 0 and missing > 0:
        yield f"degraded: {missing} of {staff.wanted} workers are not running; the log says why they die"
    if staff.failed_reload:
        yield f"the last reload failed and the profile before it is in force: {staff.failed_reload}"
    for key in staff.kept:
        yield f"{key}; the gate still signs with the key it had read before: mend the file and reload"


def _key_reasons(key: KeyHealth) -> tuple[list[str], list[str]]:
    """What speaks against readiness, and what is only unknown or unusual."""
    bad = [f"{key.name}: signatures made with this key do not verify: {key.fault}"] if key.fault else []
    published = key.answer.published
    unsure: list[str] = []
    if published is None and key.answer.asked:
        unsure.append(f"{key.name}: not known whether the DNS publishes it: {key.answer.silence}")
    elif published is not None and not published.is_usable:
        bad.append(
            f"{_subject(key, published)}: every signature made with this key fails where it arrives{_do(published)}"
        )
    elif published is not None and published.state is not State.OK:
        unsure.append(f"{_subject(key, published)}{_do(published)}")
    return bad, unsure


def _subject(key: KeyHealth, published: Published) -> str:
    return published.says if key.name in published.says else f"{key.name}: {published.says}"


def _do(published: Published) -> str:
    return f"; {published.remedy}" if published.remedy else ""
