"""`sealgate audit anchor`: hand the newest signed checkpoint to a place that this host's root does not rule."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, Final

import click

from sealgate import __version__
from sealgate.adapters import anchoring, auditkey
from sealgate.adapters.writer import WriterClient
from sealgate.app.ports import PortError
from sealgate.audit.note import quickly_signed
from sealgate.audit.record import VERSION, moment
from sealgate.audit.verifier import Note, one_line
from sealgate.cli import EX_CANTCREAT, EX_DATAERR, EX_UNAVAILABLE, EX_USAGE, Stop
from sealgate.cli.loading import settings_option, settings_or_stop
from sealgate.profile.settings import Settings

MEMORY: Final = "anchored.json"  # in the state folder: what went where last
_MAX_MEMORY: Final = 1 << 20


@click.command("anchor")
@settings_option
@click.option("--to", "path", type=click.Path(path_type=Path), help="Append it to a file, best on another machine.")
@click.option("--syslog", "to_syslog", is_flag=True, help="Put it into the system's log (auth.notice), in one line.")
@click.option("--command", "shell", help="Give it to a command of the shell, on its standard input.")
@click.option(
    "--deadline", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True, help="Seconds for the command."
)
@click.pass_context
def command(
    ctx: click.Context, settings_path: Path, path: Path | None, to_syslog: bool, shell: str | None, deadline: float
) -> None:
    """Hand the newest checkpoint of the record outside, once; say so in the record.

    Who holds a checkpoint can prove later that the lines before it are unchanged, even against this host's root. Run
    it every few minutes, from a timer or cron, as the gate's user or as root; where nothing is new it does nothing.

    Exit status: 0 handed over or nothing new, else that of the command, 65 no sound checkpoint, 69 too late or not
    taken, 73 not written.

    \b
    sealgate audit anchor --to /mnt/elsewhere/relay1.checkpoints
    sealgate audit anchor --syslog
    sealgate audit anchor --command "ssh -T keeper 'cat >> relay1.checkpoints'"
    """
    if [path is not None, to_syslog, shell is not None].count(True) != 1:
        raise Stop(EX_USAGE, "say one of --to FILE, --syslog and --command CMD")
    settings = settings_or_stop(settings_path)
    text, note = _newest(Path(settings.state))
    way = "syslog" if to_syslog else "file" if path is not None else "command"
    place = str(path.absolute()) if path is not None else shell or ""
    memory = _Memory(Path(settings.state) / MEMORY, f"{way}:{hashlib.sha256(place.encode()).hexdigest()[:16]}")
    done = hashlib.sha256(text.encode()).hexdigest()
    # A file shows by itself what it holds, also where somebody took it away.
    if path is None and memory.read() == done:
        click.echo(f"nothing new: the checkpoint of {note.size} lines was handed over before")
        return
    try:
        is_new, status = True, 0
        if path is not None:
            is_new = anchoring.append_to(path, text)
        elif to_syslog:
            anchoring.to_syslog(one_line(text), anchoring.SYSLOG)
        else:
            status = anchoring.to_command(place, text, deadline)
    except PortError as error:
        raise Stop(EX_CANTCREAT if path is not None else EX_UNAVAILABLE, str(error)) from error
    if status:
        click.echo(f"sealgate: the command ended with status {status}; nothing was recorded", err=True)
        ctx.exit(status)
    if not is_new:
        click.echo(f"nothing new: {path} holds the checkpoint of {note.size} lines")
        return
    click.echo(f"handed over: the checkpoint of {note.size} lines")
    _record(settings, note, way, str(path.absolute()) if path is not None else "")
    memory.write(done)


def _newest(state: Path) -> tuple[str, Note]:
    """The newest checkpoint, if it is one and ours."""
    try:
        text, key = auditkey.latest(state), auditkey.public(state)
        if text is None or key is None:
            raise Stop(EX_DATAERR, f"there is no checkpoint in {state} yet: the gate makes one a minute after a line")
        note = Note.parse(text)
    except PortError as error:
        raise Stop(EX_DATAERR, str(error)) from error
    except ValueError as error:
        raise Stop(EX_DATAERR, f"{state / auditkey.CHECKPOINT}: {error}") from error
    if not note.is_signed_by(key, quickly_signed):
        raise Stop(EX_DATAERR, f"{state / auditkey.CHECKPOINT} is not signed by {state / auditkey.PUBLIC}")
    return text, note


def _record(settings: Settings, note: Note, way: str, place: str) -> None:
    """Say it in the record, where the gate runs."""
    # A command may hold a password; its words are nobody's business in a file that is shown to auditors.
    event = {
        "kind": "anchored", "v": VERSION, "t": moment(time.time()), "host": note.origin.removesuffix("/sealgate"),
        "software": f"sealgate {__version__}", "way": way, "place": place, "size": note.size, "root": note.root.hex(),
    }  # fmt: skip
    try:
        WriterClient(str(Path(settings.runtime) / "writer.sock"), 5.0).append(event)
    except PortError as error:
        click.echo(f"not said in the record, as the gate does not run or is out of reach: {error}", err=True)


class _Memory:
    """What was handed over last by one way to one place: a note in the state folder, without which all is new."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def read(self) -> str:
        return str(self._all().get(self._name, ""))

    def write(self, value: str) -> None:
        known = self._all()
        made = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            made.write_text(json.dumps({**known, self._name: value}))
            made.replace(self._path)
        except OSError as error:
            message = f"{self._path}: {error.strerror}; the next run will hand the same checkpoint over again"
            click.echo(f"sealgate: {message}", err=True)

    def _all(self) -> dict[str, Any]:
        try:
            with self._path.open(encoding="utf-8") as file:
                known = json.loads(file.read(_MAX_MEMORY))
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}
