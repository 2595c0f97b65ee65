"""`sealgate import opendkim`: an OpenDKIM configuration turned into a profile, and the proof that both sign alike.

The work is `profile.opendkim_profile`'s; here are the files, the options and the exit status. What `--compare` does is
in `cli.import_comparing`.
"""

import glob
import re
from pathlib import Path
from typing import Final

import click

from sealgate.adapters import files
from sealgate.app.ports import PortError
from sealgate.cli import EX_CANTCREAT, EX_CONFIG, EX_DATAERR, EX_USAGE, Stop
from sealgate.cli.import_comparing import compare
from sealgate.cli.loading import show
from sealgate.mail.reply import printable
from sealgate.profile.model import Profile
from sealgate.profile.opendkim import Remark, UnreadableError
from sealgate.profile.opendkim_fields import Lists
from sealgate.profile.opendkim_profile import Import, import_opendkim
from sealgate.profile.parse import parse_profile
from sealgate.seal.plan import OVERSIGNED, SIGNED
from sealgate.wiring import SETTABLE_RULES

LISTS: Final = Lists(tuple(n.decode("ascii") for n in SIGNED), tuple(n.decode("ascii") for n in OVERSIGNED))
_MAX_FILLED: Final = 10_000  # domains that a `%` may stand for


class Disk:
    """The files of this host."""

    def text(self, path: str) -> str:
        """What a file holds.

        Raises:
            UnreadableError: it cannot be read, or everybody can write it.
        """
        try:
            return files.read_policy(Path(path))
        except PortError as error:
            raise UnreadableError(printable(str(error), 300)) from error

    def filled(self, path: str) -> tuple[str, ...]:
        """What `%` stands for in the paths that exist; it stands for the same in every place."""
        expression = re.escape(path).replace("%", "(?P<name>[^/]+)", 1).replace("%", "(?P=name)")
        there = glob.iglob(glob.escape(path).replace("%", "*"))
        found = (match["name"] for one in there if (match := re.fullmatch(expression, one)))
        return tuple(sorted(name for name, _ in zip(found, range(_MAX_FILLED), strict=False)))


@click.command("opendkim")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("messages", nargs=-1, type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write the profile to this new file.")
@click.option("--force", is_flag=True, help="Go on without what cannot be carried over, although signatures change.")
@click.option("--compare", "is_comparing", is_flag=True, help="Ask OpenDKIM itself about MESSAGES, and compare.")
@click.option(
    "--profile", "profile_path", type=click.Path(path_type=Path), help="With --compare: this profile, not a fresh one."
)
@click.option("--json", "as_json", is_flag=True, help="With --compare: one JSON object a message and sender.")
@click.option("-v", "--verbose", is_flag=True, help="With --compare: show every row, however many there are.")
@click.pass_context
def opendkim(
    ctx: click.Context,
    file: Path,
    messages: tuple[Path, ...],
    output: Path | None,
    force: bool,
    is_comparing: bool,
    profile_path: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Turn OpenDKIM's configuration FILE, with its tables, into a profile that signs the same mail.

    The profile refuses nothing (mode: report). What is not carried over is named on standard error with its line. An
    error there means that other signatures would come of it: then nothing is written without --force.

    Exit 0; 1 where --force left something out; 65 where it stopped; 73 where --output exists.

    With --compare no profile is written unless --output says where. OpenDKIM is started on a socket of its own and
    handed each of MESSAGES (files, folders, mailboxes) as it would come from a login, from a trusted host, from this
    host and from a stranger; so is the profile. Exit 0 where d= and s= are the same; 1 where they differ; 65 where a
    message cannot be read; 69 where OpenDKIM is not installed or does not start.

    \b
    sealgate import opendkim /etc/opendkim.conf > profile.new
    sealgate import opendkim /etc/opendkim.conf --compare letters/ sent.mbox
    sealgate import opendkim /etc/opendkim.conf --compare letters/ --profile /etc/sealgate/profile.yaml
    """
    if bool(messages) != is_comparing:
        raise Stop(EX_USAGE, "--compare needs MESSAGES, and MESSAGES need --compare")
    if not is_comparing and (profile_path or as_json or verbose):
        raise Stop(EX_USAGE, "--profile, --json and --verbose are for --compare")
    try:
        files.read_policy(file)
    except PortError as error:
        raise Stop(EX_DATAERR, str(error)) from error
    found = import_opendkim(str(file), Disk(), LISTS, SETTABLE_RULES)
    if profile_path is None:
        for remark in found.remarks:
            _tell(remark)
        _refuse(found, file, force=force)
    if output is not None:
        _write(output, found.text)
    elif not is_comparing:
        click.echo(found.text, nl=False)
    if is_comparing:
        profile = _profile(profile_path, found)
        ctx.exit(compare(found, profile, messages, as_json=as_json, every=verbose))
    ctx.exit(1 if found.stops else 0)


def _tell(remark: Remark) -> None:
    head, _, hint = str(remark).partition("\n")
    click.echo(click.style(head, fg="red" if remark.stops else "yellow"), err=True)
    if hint:
        click.echo(hint, err=True)


def _refuse(found: Import, file: Path, *, force: bool) -> None:
    if found.stops and not force:
        count = sum(remark.stops for remark in found.remarks)
        what = "one thing" if count == 1 else f"{count} things"
        hint = "mend the lines above, or say --force to go on without what they say"
        raise Stop(EX_DATAERR, f"{file}: {what} would be signed otherwise; {hint}")


def _write(output: Path, text: str) -> None:
    try:
        files.write_new(output, text.encode("utf-8"), 0o644)
    except PortError as error:
        raise Stop(EX_CANTCREAT, str(error)) from error
    click.echo(f"{output} written; next: sealgate check --profile {output}", err=True)


def _profile(path: Path | None, found: Import) -> Profile:
    name, text = "the imported profile", found.text
    if path is not None:
        try:
            name, text = str(path), files.read_policy(path)
        except PortError as error:
            raise Stop(EX_CONFIG, str(error)) from error
    profile, problems = parse_profile(text, name, known_rules=SETTABLE_RULES)
    if profile is None:
        show(problems)
        raise Stop(EX_CONFIG, f"{name} cannot be used")
    return profile
