"""The command `sealgate`: one file a verb. Exit statuses are those of sysexits.h.

0 done · 1 the answer is no (a message would be refused, a check found warnings it was told to mind) · 64 usage ·
65 unusable input · 69 the daemon is not there · 73 cannot create · 74 cannot write · 75 not known now, ask again ·
78 configuration.
"""

import errno
import os
import sys
from keyword import iskeyword
from typing import Any, Final, NoReturn

import click

from sealgate import __version__

EX_USAGE: Final = 64
EX_DATAERR: Final = 65
EX_UNAVAILABLE: Final = 69
EX_CANTCREAT: Final = 73
EX_IOERR: Final = 74
EX_TEMPFAIL: Final = 75
EX_CONFIG: Final = 78
UNWRITABLE: Final = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a write of ours may meet that names no file: on standard output."""


class Stop(click.ClickException):
    """End with a message for a person and an exit status for a script."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        setattr(self, "exit_code", status)  # noqa: B010 - click types it as the class's, and means the instance's

    def show(self, file: Any = None) -> None:
        """Print the message on standard error."""
        click.echo(f"sealgate: {self.message}", err=True, file=file)


class _Verbs(click.Group):
    """Loads a verb's file when it is asked for: `sealgate check` needs no libmilter and starts fast."""

    _NAMES: Final = (
        "attack", "audit", "check", "completion", "doctor", "import", "keys", "mode", "screen", "serve", "status",
        "verify", "who",
    )  # fmt: skip

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._NAMES:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name  # no module can be called `import`
        module = __import__(f"sealgate.cli.{name}", fromlist=["command"])
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. https://no-color.org is honoured; and `| head` is no fault, of which click would make one."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False  # what echo and style write goes by it, in the verbs below too
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is not None or error.errno not in UNWRITABLE:
                raise
            # What is still held back has nowhere to go, and must not be complained of at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                return 0
            raise Stop(EX_IOERR, f"what there is to say could not be written out: {error.strerror}") from error


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="sealgate")
def cli() -> None:
    """No outbound message leaves that is not lawful, proven, sealed and recorded.

    \b
    sealgate check                          is the profile in order?
    sealgate screen letter.eml --as alice@EXAMPLE.TEST
                                            what would the gate answer?
    sealgate audit tail                     watch it decide
    sealgate mode report --for 2h           at 3 a.m.: refuse nothing, keep recording
    """


def main() -> NoReturn:
    """Run the command and exit."""
    try:
        status = cli.main(prog_name="sealgate", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.UsageError as error:
        error.show()
        sys.exit(EX_USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)
