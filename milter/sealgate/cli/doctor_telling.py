"""How the doctor's findings are told: a page for a person, commands for a shell, an object for a machine.

Whatever stands in a finding may come from a file: it is made printable, so that no escape sequence reaches a terminal
and no line of a command ends early.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import click

from sealgate.doctor.finding import Finding, Level
from sealgate.doctor.host import Host
from sealgate.doctor.paste import reload_command

_COLOUR: Final = {Level.WRONG: "red", Level.WARNING: "yellow", Level.UNKNOWN: "magenta", Level.FINE: "green"}
_INDENT: Final = " " * 9
_MAX: Final = 2000  # characters of one line
_EACH: Final = {Level.WRONG: "wrong", Level.WARNING: "to be minded", Level.UNKNOWN: "not known", Level.FINE: "fine"}


def page(findings: Iterable[Finding], host: Host, *, with_fine: bool) -> Iterator[str]:
    """The page for a person: the worst first, then one line of sums."""
    findings = tuple(findings)
    for finding in findings:
        if finding.level is Level.FINE and not with_fine:
            continue
        head = click.style(f"{finding.level:<8}", fg=_COLOUR[finding.level], bold=finding.level is Level.WRONG)
        if finding.level is Level.FINE:
            yield f"{head} {finding.code}  {_shown(finding.place)}: {_shown(finding.what)}"
            continue
        yield f"{head} {finding.code}  {_shown(finding.place)}"
        yield f"{_INDENT}{_shown(finding.what)}"
        yield f"{_INDENT}why: {finding.why}"
        yield f"{_INDENT}see: {finding.cites}"
        yield from (f"{_INDENT}    {_shown(line)}" for line in finding.paste)
    sums = {level: sum(each.level is level for each in findings) for level in Level}
    if host.postfix is not None:
        seen = f"Postfix {host.postfix.main.get('mail_version', '?')} in {host.postfix.folder}"
    elif host.sendmail is not None:
        seen = f"Sendmail {host.sendmail.version} by {host.sendmail.file}"
    else:
        seen = "no MTA"
    yield f"{_shown(seen)}: " + ", ".join(f"{count} {_EACH[level]}" for level, count in sums.items() if count)


def commands(findings: Iterable[Finding], host: Host) -> Iterator[str]:
    """Lines for a shell, each said once, under a comment that says what they mend."""
    told: set[str] = set()
    changes_postfix = False
    for finding in findings:
        lines = [line for line in map(_shown, finding.paste) if line not in told]
        told.update(lines)
        if lines:
            yield f"# {finding.level} {finding.code}, {_shown(finding.place)}: {_shown(finding.what)}"
            yield from lines
            changes_postfix = changes_postfix or any(line.startswith("postconf ") for line in lines)
    if changes_postfix and host.postfix is not None:
        yield reload_command(host.postfix)


def as_json(finding: Finding) -> dict[str, Any]:
    """One object; the fields are those of doc/doctor.md."""
    return {
        "level": str(finding.level),
        "rule": finding.code,
        "place": finding.place,
        "what": finding.what,
        "why": finding.why,
        "cites": finding.cites,
        "paste": list(finding.paste),
    }


def _shown(text: str) -> str:
    cut = text if len(text) <= _MAX else text[: _MAX - 3] + "..."
    return "".join(c if " " <= c <= "~" else "?" for c in cut)
