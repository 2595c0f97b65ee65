"""`make run`: the gate on a relay of its own, on loopback, with eight telling messages.

Sets up a throwaway Kerberos realm, a private Postfix with TLS and GSSAPI login, two DKIM keys and a profile in enforce
mode; sends the messages over SMTP with real tickets; shows who was answered what and why, and whether the signatures
verify on the copy that arrived. Then it follows the audit file until Ctrl-C and takes everything down. With `--once` it
ends after the table, with status 0 only if all eight came out as they must.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from sealgate.cli.loading import progress
from sealgate.cli.telling import parsed, row
from tests.drivers import postfix
from tests.drivers.cases import Case, Seen, all_cases, profile_text
from tests.lab.gate import Gate, GateError
from tests.lab.ports import free_ports
from tests.lab.realm import Realm, RealmError
from tests.lab.relay import Relay, RelayError, reachable_folder

MESSAGES: Final = (
    ("a lawful newsletter", "lawful-newsletter"),
    ("one without a postal address", "newsletter-without-address"),
    ("one without an opt-out", "newsletter-without-opt-out"),
    ("one with {{unsubscribe_url}}", "newsletter-with-dead-opt-out"),
    ("a personal letter", "personal-mail"),
    ("From: a colleague", "forged-from"),
    ("the same, MAIL FROM:<>", "forged-from-null-sender"),
    ("a receipt", "order-receipt"),
)
PRINCIPALS: Final = ("alice", "bob", "svc/newsletter", "svc/shop")
_COLOUR: Final = {"accept": "green", "reject": "red", "tempfail": "yellow"}


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    label: str
    case: Case
    seen: Seen | None
    problem: str

    @property
    def verified(self) -> str:
        """What the verifier said of the delivered copy."""
        if self.seen is None or self.seen.action != "accept":
            return "-"
        return ", ".join(a.removesuffix("-sha256") for a in self.seen.signed or ()) or "unsigned"


@click.command()
@click.option("--once", is_flag=True, help="End after the table; status 0 only if all came out as they must.")
@click.pass_context
def main(ctx: click.Context, once: bool) -> None:
    """Run the gate on a relay of its own and send it eight telling messages."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that everything is taken down then, too
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        with _everything() as (gate, relay, realm):
            lines = [_send(label, name, relay, realm, gate) for label, name in progress(MESSAGES, "  sending", least=1)]
            _show(lines)
            if not once:
                with contextlib.suppress(KeyboardInterrupt):
                    _follow(gate, relay)
                click.echo("", err=True)
    except (RealmError, RelayError, GateError) as error:
        raise click.ClickException(str(error)) from error
    ctx.exit(1 if any(line.problem for line in lines) else 0)


@contextlib.contextmanager
def _everything() -> Iterator[tuple[Gate, Relay, Realm]]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(reachable_folder())
        with _step("a Kerberos realm of its own, EXAMPLE.TEST"):
            realm = stack.enter_context(Realm(_made(folder / "realm")))
            for principal in PRINCIPALS:
                realm.add(principal)
        with _step("two keys, a profile in enforce mode, the gate"):
            gate = stack.enter_context(Gate(_made(folder / "gate"), profile_text("enforce")))
        with _step("a private Postfix with TLS and GSSAPI login"):
            submission, plain, sink = free_ports(3)
            relay = stack.enter_context(
                Relay(
                    _made(folder / "relay"),
                    realm,
                    gate.address,
                    submission_port=submission,
                    plain_port=plain,
                    sink_port=sink,
                )
            )
        yield gate, relay, realm
        with _step("everything taken down"):
            stack.close()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o711)
    return folder


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    started = time.monotonic()
    is_terminal = sys.stderr.isatty()
    if is_terminal:
        click.echo(f"  ... {what}", nl=False, err=True)
    yield
    click.echo(f"{chr(13) if is_terminal else ''}  {time.monotonic() - started:3.1f} s {what}", err=True)


def _send(label: str, name: str, relay: Relay, realm: Realm, gate: Gate) -> Line:
    case = next(c for c in all_cases() if c.name == name)
    try:
        seen = postfix.run(case, relay, realm, gate)
    except (AssertionError, TimeoutError) as error:
        return Line(label, case, None, str(error))
    return Line(label, case, seen, "; ".join(case.differences(seen)))


def _show(lines: list[Line]) -> None:
    """The table; what is not as it must be stands below it."""
    click.echo(f"\n{'message':<30}{'principal':<30}{'answer':<10}{'why':<32}{'verified on arrival'}")
    for line in lines:
        seen = line.seen
        answer = seen.action if seen else "?"
        why = ", ".join(seen.rules or ()) if seen else ""
        coloured = click.style(f"{answer:<10}", fg=_COLOUR.get(answer))
        click.echo(f"{line.label:<30}{line.case.login or '':<30}{coloured}{why or '-':<32}{line.verified}")
    refused = next((line.seen.reply for line in lines if line.seen and line.seen.reply), "")
    click.echo(f"\nThe reply to the second one, as its sender reads it:\n  {refused}\n")
    for line in lines:
        if line.problem:
            click.echo(click.style(f"NOT AS IT MUST BE: {line.label}: {line.problem}", fg="red"))


def _follow(gate: Gate, relay: Relay) -> None:
    click.echo(f"submission on 127.0.0.1:{relay.submission_port}, profile {gate.profile_path}")
    click.echo(f"following {gate.audit_log}; Ctrl-C takes everything down")
    with gate.audit_log.open("rb") as file:
        while True:
            line = file.readline()
            if line.endswith(b"\n"):
                click.echo(row(parsed(line)))
            else:
                file.seek(-len(line), 1)
                time.sleep(0.2)


if __name__ == "__main__":
    main()
