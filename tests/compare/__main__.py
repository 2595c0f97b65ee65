"""`make compare`: every shape of the catalogue through sealgate and through what sites sign with today.

Starts a throwaway Kerberos realm, then for each gate the gate itself and a Postfix of its own in front of it, sends all
shapes as alice, and shows how many were refused, how many left, and how many left signed. What is not installed is left
out and named. Everything is taken down at the end, also on Ctrl-C. The status is 0 only if sealgate was measured, let
no hostile shape out and refused no honest one.
"""

import contextlib
import datetime
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from sealgate.attack.catalogue import chosen
from sealgate.attack.shape import Shape
from tests.compare import report as reports
from tests.compare.gates import GATES, GateFailed, Kind, Missing
from tests.compare.measure import LOGIN, SITE, Row, measured
from tests.lab.gate import ROOT
from tests.lab.realm import Realm, RealmError
from tests.lab.relay import RelayError, reachable_folder

README = ROOT / "README.md"


@click.command()
@click.option("--gate", "codes", multiple=True, type=click.Choice([k.code for k in GATES]), help="Only these gates.")
@click.option("--shapes", "with_shapes", is_flag=True, help="One line a shape as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The README's table instead.")
@click.option("--readme", is_flag=True, help="Put the table into README.md.")
@click.pass_context
def main(
    ctx: click.Context, codes: tuple[str, ...], with_shapes: bool, as_json: bool, as_markdown: bool, readme: bool
) -> None:
    """Send every shape through each gate behind a real Postfix, and show what became of them."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that everything is taken down then, too
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    kinds = [kind for kind in GATES if not codes or kind.code in codes]
    if readme and len(kinds) < len(GATES):
        raise click.UsageError("the README's table has all gates")
    try:
        report = compared(kinds, chosen(has=SITE))
    except (GateFailed, RealmError, RelayError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(reports.as_json(report)))
    elif as_markdown:
        click.echo(reports.markdown(report))
    else:
        click.echo(reports.table(report))
        if with_shapes:
            click.echo(f"\n{reports.by_shape(report)}")
    if readme:
        if report.missing:
            raise click.ClickException(f"README.md is as it was: {', '.join(report.missing)} is missing")
        README.write_text(reports.into_readme(README.read_text(), report))
    ctx.exit(_verdict(report.rows))


def compared(kinds: Sequence[Kind], shapes: Sequence[Shape]) -> reports.Report:
    """Measure these gates, those that are installed.

    Raises:
        GateFailed, RealmError, RelayError: something did not start.
    """
    rows: list[Row] = []
    missing: list[str] = []
    with reachable_folder() as folder, Realm(folder / "realm") as realm:
        realm.add(LOGIN)
        for kind in kinds:
            own = folder / kind.code
            own.mkdir(mode=0o711)
            with contextlib.suppress(Missing), _bar(kind, len(shapes)) as tick:
                rows.append(measured(kind, shapes, realm, own, tick))
                continue
            missing.append(kind.package)
    if not rows:
        raise GateFailed(f"none of them is installed: {', '.join(missing)}")
    month = f"{datetime.datetime.now(datetime.UTC):%Y-%m}"
    return reports.Report(tuple(rows), tuple(missing), month, _system(), GATES[0].version().partition("-")[0])


@contextlib.contextmanager
def _bar(kind: Kind, length: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error, where somebody watches; else one line."""
    if not sys.stderr.isatty():
        click.echo(f"  {kind.title} ...", err=True)
        yield lambda: None
        return
    lock = threading.Lock()
    with click.progressbar(length=length, label=f"  {kind.title:38}", file=sys.stderr) as bar:

        def tick() -> None:
            with lock:
                bar.update(1)

        yield tick


def _verdict(rows: Sequence[Row]) -> int:
    ours = [row for row in rows if row.kind.code == "sealgate"]
    for row in ours:
        for result in reports.faults(row):
            nature = "hostile" if result.shape.is_hostile else "honest"
            click.echo(f"NOT AS IT MUST BE: {nature} {result.shape.code}: {result.outcome}, {result.answer}", err=True)
    return 0 if ours and not any(reports.faults(row) for row in ours) else 1


def _system() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "an unknown system"


if __name__ == "__main__":
    main()
