"""`sealgate audit verify` and `sealgate audit verifier`: prove that the record is whole, here or on another machine.

The proof itself is `sealgate.audit.verifier`, one file that also runs alone. Here it finds its files, key and newest
checkpoint by itself, checks signatures with OpenSSL and shows how far it has come.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from sealgate.adapters import auditkey
from sealgate.adapters.auditfiles import files_of
from sealgate.app.ports import PortError
from sealgate.audit import verifier
from sealgate.audit.note import quickly_signed
from sealgate.audit.verifier import START, Key, Note, Report
from sealgate.cli import EX_DATAERR, Stop
from sealgate.cli.audit_asking import unread
from sealgate.cli.loading import settings_option, settings_or_stop

_LONG: Final = 20_000_000  # octets that take long enough for a bar
_PATIENCE: Final = 1.0  # seconds for which the end of a line that is being written is waited for


@dataclass(frozen=True, slots=True)
class _Proof:
    """What the files are held against, and what of it came from this very host."""

    key: Key | None = None
    checkpoint: Note | None = None
    from_here: tuple[str, ...] = ()


@click.command("verify")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@settings_option
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Another audit file, with its rotated ones.")
@click.option("--checkpoint", "checkpoint_path", type=click.Path(path_type=Path), help="Checkpoints kept elsewhere.")
@click.option("--key", "key_path", type=click.Path(path_type=Path), help="The public audit key, kept elsewhere.")
@click.option("--from-start", is_flag=True, help="The oldest file must begin with line 1.")
@click.option("--thorough", is_flag=True, help="Read each line as JSON: slow, and proves no more.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    settings_path: Path,
    log_path: Path | None,
    checkpoint_path: Path | None,
    key_path: Path | None,
    from_start: bool,
    thorough: bool,
    as_json: bool,
) -> None:
    """Prove that audit files are whole; exit 1 at the first line that does not fit.

    Without FILES: all files of this host, with the key and the newest checkpoint from its state folder. FILES are
    given oldest first, packed with gzip or not; nothing but what you name is then held against them.

    Exit status: 0 whole, 1 not whole, 65 or 66 a file cannot be read.

    \b
    sealgate audit verify
    sealgate audit verify --key relay1.pub --checkpoint /mnt/elsewhere/relay1.checkpoints
    sealgate audit verify audit.jsonl-20261120.gz audit.jsonl --key relay1.pub
    """
    is_here = not files and log_path is None
    settings = settings_or_stop(settings_path) if is_here else None
    try:
        proof = _proof(key_path, checkpoint_path, Path(settings.state) if settings else None)
        # The checkpoint was read before the files are: each line that it covers is on disk by now.
        paths = files or files_of(log_path or Path(settings.audit_log if settings else ""))
    except PortError as error:
        raise Stop(EX_DATAERR, str(error)) from error
    except OSError as error:
        raise unread(error, log_path or Path(settings.audit_log if settings else ""), _status(error)) from error
    if not paths:
        place = log_path or (settings and settings.audit_log)
        raise Stop(os.EX_NOINPUT, f"there is no audit file at {place}; name another one with --log, or FILES")
    report = _verified(paths, proof, START if from_start else None, is_thorough=thorough)
    for line in [json.dumps(_as_json(report, paths, proof))] if as_json else _told(report, proof):
        click.echo(line)
    ctx.exit(0 if report.is_whole else 1)


@click.command("verifier")
def single_file() -> None:
    """Print the verifier as one Python file, for an auditor who has nothing else of us.

    It needs Python 3.11 and its standard library only.

    \b
    sealgate audit verifier > verify.py
    python3 verify.py audit.jsonl --key relay1.pub --checkpoint relay1.checkpoints
    """
    click.echo(Path(verifier.__file__).read_bytes(), nl=False)


def _proof(key_path: Path | None, checkpoint_path: Path | None, state: Path | None) -> _Proof:
    key = _read(key_path, lambda lines: Key.parse("".join(lines))) if key_path else None
    checkpoint = _read(checkpoint_path, Note.newest) if checkpoint_path else None
    if state is None:
        return _Proof(key, checkpoint)
    own_key = auditkey.public(state) if key is None else None
    own_note = auditkey.latest(state) if checkpoint is None else None
    try:
        own_checkpoint = Note.parse(own_note) if own_note is not None else None
    except ValueError as error:
        raise PortError(f"{state / auditkey.CHECKPOINT}: {error}") from error
    from_here = (("key",) if own_key else ()) + (("checkpoint",) if own_checkpoint else ())
    return _Proof(key or own_key, checkpoint or own_checkpoint, from_here)


def _read(path: Path, reading: Callable[[Iterator[str]], Any]) -> Any:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return reading(iter(file))
    except OSError as error:
        raise Stop(_status(error), f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Stop(EX_DATAERR, f"{path}: {error}") from error


def _status(error: OSError) -> int:
    return os.EX_NOINPUT if isinstance(error, FileNotFoundError) else EX_DATAERR


def _verified(paths: Sequence[Path], proof: _Proof, start: verifier.Head | None, *, is_thorough: bool) -> Report:
    try:
        met = {path: os.stat(path) for path in paths}
    except OSError as error:
        raise unread(error, Path(error.filename or ""), _status(error)) from error

    def contents() -> Iterator[tuple[str, Iterator[bytes]]]:
        for path in paths:
            yield str(path), _lines(path, met[path], moved, is_last=path == paths[-1])

    with _bar(sum(status.st_size for status in met.values())) as moved:
        return verifier.verify(
            contents(), start,
            key=proof.key, checkpoint=proof.checkpoint, signed=quickly_signed, is_thorough=is_thorough,
        )  # fmt: skip


def _lines(path: Path, met: os.stat_result, moved: Callable[[int], None], *, is_last: bool) -> Iterator[bytes]:
    """The lines of one file, which must be the one that was met when all were listed."""
    try:
        with path.open("rb") as file:
            now = os.fstat(file.fileno())
            if (now.st_dev, now.st_ino) != (met.st_dev, met.st_ino):
                raise FileNotFoundError
            read, end = verifier.unpacked(file), b"\n"

            def step(size: int) -> bytes:
                nonlocal end
                octets = read(size)
                waited = 0.0
                # The gate may be within a line right now.
                while is_last and not octets and end != b"\n" and waited < _PATIENCE:
                    time.sleep(0.05)
                    waited += 0.05
                    octets = read(size)
                end = octets[-1:] or end
                if file.seekable():
                    moved(file.tell())
                return octets

            yield from verifier.lines_of(step)
            moved(-1)
    except FileNotFoundError as error:
        raise Stop(EX_DATAERR, f"{path} was rotated while the files were read: run this again") from error
    except OSError as error:
        raise unread(error, path, _status(error)) from error


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show how many octets of the files have been read, where somebody watches and it takes a while.

    Gives what is told the place in the file that is read, and -1 at its end.
    """
    if total < _LONG or not sys.stderr.isatty():
        yield lambda _: None
        return
    place = 0
    with click.progressbar(length=total, label="verifying", file=sys.stderr) as bar:

        def moved(to: int) -> None:
            nonlocal place
            if to >= 0:
                bar.update(to - place)
            place = max(0, to)

        yield moved


def _told(report: Report, proof: _Proof) -> Iterator[str]:
    *before, verdict = verifier.told(report)
    yield from before
    if proof.from_here:
        were = "were" if len(proof.from_here) > 1 else "was"
        yield (
            f"{' and '.join(proof.from_here)} {were} taken from this host: that shows what happens to the files by "
            "chance or by others, not what this host's root does; for that, give --key and --checkpoint kept elsewhere"
        )
    elif proof.checkpoint is None:
        yield "no checkpoint was given: lines cut off the end, or all written anew, would not be seen"
    yield click.style(verdict, fg="green" if report.is_whole else "red", bold=not report.is_whole)


def _as_json(report: Report, paths: Sequence[Path], proof: _Proof) -> dict[str, Any]:
    return {
        "whole": report.is_whole,
        "verdict": verifier.told(report)[-1],
        "files": [str(path) for path in paths],
        "lines": report.lines,
        "first": report.first,
        "last": report.head.seq,
        "digest": report.head.digest,
        "broken": asdict(report.broken) if report.broken else None,
        "remarks": [asdict(remark) for remark in report.remarks],
        "checkpoints": report.checkpoints,
        "key": proof.key.text if proof.key else None,
        "signed": report.signed,
        "unsealed": report.unsealed,
        "overdue": report.is_overdue,
        "checkpoint": proof.checkpoint.size if proof.checkpoint else None,
        "compared": report.compared,
        "missing": report.missing,
        "from_this_host": list(proof.from_here),
    }
