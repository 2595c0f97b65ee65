"""`sealgate audit export`: lines of the record for a SIEM, in ECS or OCSF, or as they are."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from sealgate.audit.ecs import ecs
from sealgate.audit.ocsf import ocsf
from sealgate.audit.tally import peek
from sealgate.audit.verifier import leaf_hash
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.audit_report import lines, moments
from sealgate.cli.loading import settings_option, settings_or_stop

Converter = Callable[[Mapping[str, Any], str], dict[str, Any]]
_CONVERTERS: Final[Mapping[str, Converter]] = {"ecs": ecs, "ocsf": ocsf}
_BLOCK: Final = 256  # lines written at once


@click.command("export")
@settings_option
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file, with its rotated ones.")
@click.option("--format", "form", type=click.Choice(["ecs", "ocsf", "jsonl"]), required=True)
@click.option("--since", help="2026-11-21, 2026-11-21T09:00Z, 2h, 3d, yesterday. Days are UTC.")
@click.option("--until", help="Likewise; a day that is named here is meant with all of it.")
def command(settings_path: Path, log_path: Path | None, form: str, since: str | None, until: str | None) -> None:
    """Write lines of the record for other programs, one JSON object a line.

    Keep the lines themselves as evidence: what is converted cannot be verified any more, but names the digest of its
    line. Exit status 65: some lines could not be converted; the others were.

    \b
    sealgate audit export --format ecs --since 1h
    sealgate audit export --format ocsf --since 2026-11-20 --until 2026-11-20
    """
    begin, end = moments(since, until, datetime.now(UTC))
    path = log_path or Path(settings_or_stop(settings_path).audit_log)
    lost, block = 0, []
    for octets in _wanted(lines(path, begin, end, "exporting"), begin, end):
        found = octets if form == "jsonl" else _converted(octets, _CONVERTERS[form])
        if found is None:
            lost += 1
            continue
        block.append(found + b"\n")
        if len(block) == _BLOCK:
            sys.stdout.buffer.write(b"".join(block))
            block.clear()
    sys.stdout.buffer.write(b"".join(block))
    sys.stdout.buffer.flush()
    if lost:
        raise Stop(
            EX_DATAERR, f"{lost} lines could not be converted: `sealgate audit verify` says what is wrong with them"
        )


def _wanted(found: Iterator[bytes], since: str, until: str) -> Iterator[bytes]:
    for octets in found:
        _, moment = peek(octets)
        if not moment or since <= moment < (until or "9999"):
            yield octets


def _converted(octets: bytes, convert: Converter) -> bytes | None:
    """One line converted; `None` where it is none of ours."""
    try:
        made = convert(json.loads(octets), leaf_hash(octets).hex())
        return json.dumps(made, separators=(",", ":")).encode("ascii")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        return None
