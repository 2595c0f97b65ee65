"""`sealgate verify`: what a receiver would say to the signatures of a message, why one fails, and what to do.

The judging is `sealgate.app.verification`'s; here are the options, where keys and audit lines come from, and the exit
status. Nothing is written, and without `--log` a host without an audit file is as good as any.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sealgate.adapters import verifier
from sealgate.adapters.auditfiles import stream
from sealgate.adapters.key_records import KeyRecords, read_key_records
from sealgate.app.ports import Dns
from sealgate.app.verification import Inspector, Result, Verified
from sealgate.audit.matching import line_of, traces_of
from sealgate.cli import EX_DATAERR, EX_TEMPFAIL, EX_USAGE, Stop
from sealgate.cli.asking import resolver
from sealgate.cli.audit_hidden import values_of
from sealgate.cli.loading import settings_option
from sealgate.cli.verifying import Told, as_json, told
from sealgate.mail.address import AddressError, normal_domain
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.reply import printable
from sealgate.screening.mailfiles import items
from sealgate.seal.canonical import RelaxedBody
from sealgate.wiring import read_settings


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, by the names they have below."""

    files: tuple[Path, ...]
    keys: tuple[str, ...]
    servers: tuple[str, ...]
    organisation: str
    log_path: Path | None
    no_log: bool
    all_pass: bool
    as_json: bool
    settings_path: Path


@click.command("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--key", "-k", "keys", multiple=True, metavar="FILE|RECORD", help="Key records; no DNS is asked then.")
@click.option("--server", "servers", multiple=True, metavar="ADDR[:PORT]", help="A DNS server to ask.")
@click.option("--organisation", default="", metavar="DOMAIN", help="The organisational domain of d= and From.")
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file than this host's.")
@click.option("--no-log", is_flag=True, help="Look for no audit line.")
@click.option("--all", "all_pass", is_flag=True, help="Every signature must pass, not only one of the author's domain.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
@settings_option
@click.pass_context
def command(ctx: click.Context, /, **said: Any) -> None:
    """Verify the DKIM signatures of the messages in FILES, and say why one fails.

    FILES are messages (.eml), mailboxes, or `-` for standard input. A key is looked up in the DNS, or taken from --key:
    SELECTOR._domainkey.DOMAIN=RECORD, or a file of such lines. Where this host's audit file has the line of the
    message, each field that was changed since it was sealed is named.

    Exit 0 where in every message a signature of the author's domain passes, which is what receivers ask for; 1 where
    not; 75 where that depends on a DNS that does not answer; 65 where there is no message or no signature.

    \b
    sealgate verify letter.eml
    sealgate verify - --all < letter.eml
    sealgate verify letter.eml --key s2026._domainkey.example.test='v=DKIM1; k=rsa; p=MIIB...'
    sealgate verify bounce.eml --server 192.0.2.53 --log /var/log/sealgate/audit.jsonl.1
    """
    asked = Asked(**said)
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(errors="replace")
    try:
        organisation = normal_domain(asked.organisation) if asked.organisation else ""
    except AddressError as error:
        raise Stop(EX_USAGE, f"--organisation {printable(asked.organisation)}: {error}") from error
    inspector = Inspector(_dns(asked), verifier.verify_field, int(time.time()), organisation)
    statuses = {_told_and_judged(name, filed, fault, inspector, asked) for name, filed, fault in _messages(asked)}
    ctx.exit(next((status for status in (1, EX_TEMPFAIL, EX_DATAERR) if status in statuses), 0))


def _told_and_judged(name: str, filed: Filed | None, fault: str, inspector: Inspector, asked: Asked) -> int:
    """Print one message's story and return its exit status."""
    if filed is None:
        if asked.as_json:
            click.echo(json.dumps({"file": name, "fault": fault}))
        click.echo(f"sealgate: {printable(name, 500)}: {fault}", err=True)
        return EX_DATAERR
    verified = inspector.inspect(filed)
    body = RelaxedBody()
    body.feed(filed.body)
    body_hash = body.digest().hex()
    settings, _ = read_settings(asked.settings_path)
    line = _line(verified, body_hash, asked.log_path or (Path(settings.audit_log) if settings else None), asked)
    veil = values_of(Path(settings.state), line).veil if line is not None and settings is not None else None
    offline, own = bool(asked.keys), not verifier.HAS_NACL
    story = Told(name, verified, body_hash, line, is_offline=offline, now=inspector.now, lacks_nacl=own, veil=veil)
    click.echo(json.dumps(as_json(story)) if asked.as_json else told(story))
    return _status(verified, all_pass=asked.all_pass)


def _status(verified: Verified, *, all_pass: bool) -> int:
    results = {judged.result for judged in verified.judged}
    if not results:
        return EX_DATAERR
    is_whole = results == {Result.PASS} and verified.total == len(verified.judged)
    if verified.is_in_order and (is_whole or not all_pass):
        return 0
    # A silent DNS is to blame only where its answer could turn the exit status.
    if all_pass and not results <= {Result.PASS, Result.TEMPORARY}:
        return 1
    waiting = (j for j in verified.judged if j.result is Result.TEMPORARY and (all_pass or j.alignment.is_aligned))
    return EX_TEMPFAIL if any(waiting) else 1


def _messages(asked: Asked) -> Iterator[tuple[str, Filed | None, str]]:
    for path in asked.files:
        if str(path) != "-" and path.is_dir():
            yield str(path), None, "it is a folder: name the messages in it"
            continue
        for item in items(path, sys.stdin.buffer):
            filed = None if item.fault else read_filed(item.octets)
            fault = item.fault or ("" if filed else "it does not begin with a header field, so it is no message")
            yield item.name, filed, fault


def _dns(asked: Asked) -> Dns:
    if asked.keys:
        found: dict[str, tuple[bytes, ...]] = {}
        for key in asked.keys:
            for name, records in _records(key).items():
                found[name] = (*found.get(name, ()), *records)
        return KeyRecords(found)
    return resolver(asked.servers, asked.settings_path, ", or give the key with --key")


def _records(key: str) -> dict[str, tuple[bytes, ...]]:
    """Records that were given on the command line: one, or a file of them."""
    text = key
    if "=" not in key or Path(key).is_file():
        try:
            text = Path(key).read_bytes()[: 32 * 1024 * 1024].decode("utf-8", "replace")
        except OSError as error:
            raise Stop(EX_USAGE, f"--key {printable(key, 500)}: {error.strerror}") from error
    try:
        return read_key_records(text)
    except ValueError as error:
        raise Stop(EX_USAGE, f"--key {printable(key)}: {error}") from error


def _line(verified: Verified, body_hash: str, path: Path | None, asked: Asked) -> dict[str, Any] | None:
    """The audit line of the message, where there is an audit file that can be read."""
    if asked.no_log or not verified.total or path is None:
        return None
    try:
        return line_of(stream([path]), traces_of(verified.filed.headers, body_hash))
    except OSError as error:
        if asked.log_path is not None:
            raise Stop(EX_USAGE, f"{path}: {error.strerror}") from error
        return None
