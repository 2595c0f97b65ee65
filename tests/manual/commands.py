"""One page a verb, from click's own tree: what `--help` says; examples and exit statuses under their own headings."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

import click

from sealgate import cli as program
from sealgate.profile.settings import Settings
from tests.manual.roff import head, item, paragraphs, prose, seen, typed, verbatim

SECTION = 8
_EXIT = re.compile(r"(?:(?<=^)|(?<=\. ))Exit (?=status|[0-9])")
_STATUS = re.compile(r"([0-9]+) (.+)")
WORDS = {"integer range": "NUMBER", "float range": "NUMBER", "integer": "NUMBER", "float": "NUMBER", "datetime": "DATE"}
# What belongs to a verb besides the gate itself.
RELATED: dict[str, tuple[tuple[str, int], ...]] = {
    "attack": (("sealgate-rules", 7),),
    "audit": (("sealgate-audit", 5), ("sealgate-verify", 8)),
    "check": (("sealgate.yaml", 5), ("sealgate-profile.yaml", 5), ("sealgate-doctor", 8)),
    "completion": (),
    "doctor": (("sealgate-check", 8), ("postconf", 5)),
    "import": (("sealgate-profile.yaml", 5),),
    "keys": (("sealgate-profile.yaml", 5), ("sealgate-verify", 8)),
    "mode": (("sealgate-audit", 8), ("sealgate-profile.yaml", 5)),
    "screen": (("sealgate-rules", 7), ("sealgate-profile.yaml", 5)),
    "serve": (("sealgate.yaml", 5), ("sealgate-status", 8), ("systemd.service", 5)),
    "status": (("sealgate-doctor", 8), ("sealgate-mode", 8)),
    "verify": (("sealgate-audit", 8), ("sealgate-keys", 8)),
    "who": (("sealgate-profile.yaml", 5),),
}


@dataclass(frozen=True, slots=True)
class Help:
    """What a verb says of itself: its first sentence, the paragraphs behind it, examples, exit statuses."""

    first: str
    more: tuple[str, ...]
    examples: tuple[str, ...]
    exits: str


def help_of(command: click.Command) -> Help:
    """Take a verb's help apart. A block behind click's mark `\\b` is kept line by line: it holds the examples."""
    plain: list[str] = []
    examples: list[str] = []
    exits: list[str] = []
    for block in inspect.cleandoc((command.help or "").partition("\f")[0]).split("\n\n"):
        if block.startswith("\b"):
            examples += block.split("\n")[1:]
            continue
        said = _EXIT.split(" ".join(block.split()), maxsplit=1)
        plain += [said[0].strip()] if said[0].strip() else []
        exits += said[1:]
    text = exits[0].removeprefix("status").lstrip(": ") if exits else ""
    return Help(plain[0] if plain else "", tuple(plain[1:]), tuple(examples), text)


def _metavar(param: click.Parameter) -> str:
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        return "|".join(str(each) for each in param.type.choices)
    return WORDS.get(param.type.name, param.type.name.upper())


def _range(param: click.Parameter) -> str:
    limits = param.type
    if not isinstance(limits, (click.IntRange, click.FloatRange)):
        return ""
    if limits.max is None:
        return f"at least {limits.min}" if limits.min else ""
    return f"from {limits.min} to {limits.max}"


def _option(option: click.Option) -> list[str]:
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    names = sorted(option.opts, key=len)
    tag = ", ".join([*names[:-1], f"{names[-1]}{value}"])
    tag += f", {', '.join(option.secondary_opts)}" if option.secondary_opts else ""
    shown = option.show_default
    usual = shown if isinstance(shown, str) else str(option.default) if shown else ""
    # A switch of two names has the one or the other as its default; of one name, nothing is to be said.
    usual = (names[-1] if option.default else option.secondary_opts[0]) if option.secondary_opts else usual
    notes = [f"default: {usual}" if usual else "", _range(option), "required" if option.required else ""]
    repeats = option.multiple and not re.search("again|repeated", option.help or "")
    told = "; ".join(note for note in (*notes, "may be given again" if repeats else "") if note)
    return item([tag], [f"{option.help or ''}{f' [{told}]' if told else ''}".strip()])


def _synopsis(command: click.Command, words: str) -> list[str]:
    arguments = []
    for param in command.params:
        if isinstance(param, click.Argument):
            name = param.metavar or (
                _metavar(param) if isinstance(param.type, click.Choice) else (param.name or "").upper()
            )
            name += "..." if param.nargs == -1 and "..." not in name else ""
            arguments.append(name if param.required or name.startswith("[") else f"[{name}]")
    options = ["[OPTIONS]"] if any(isinstance(param, click.Option) for param in command.params) else []
    verb = ["VERB"] if isinstance(command, click.Group) else []
    return [f"\\fB{typed(words)}\\fR {typed(' '.join([*options, *verb, *arguments]))}".rstrip()]


def _options(command: click.Command) -> list[str]:
    return [line for param in command.params if isinstance(param, click.Option) for line in _option(param)]


def _related(verb: str) -> list[str]:
    return seen([("sealgate", SECTION), *RELATED[verb]])


def _exit(said: Help) -> list[str]:
    usual = "Those that all verbs have are listed in sealgate(8)."
    return [
        ".SH EXIT STATUS",
        *paragraphs([said.exits] if said.exits else [])[1:],
        *([".PP"] if said.exits else []),
        usual,
    ]


def _short(first: str) -> str:
    """What stands behind the name: the first sentence up to a semicolon or colon, as a title."""
    text = re.split(r"[;:] |\. ", first, maxsplit=1)[0].rstrip(".")
    return text[:1].lower() + text[1:] if not text[:3].isupper() else text


def page(verb: str, command: click.Command) -> str:
    """The page of a verb; of one that has verbs of its own, all of these too."""
    said = help_of(command)
    name = f"sealgate-{verb}"
    lines = head(name, SECTION, _short(said.first))
    lines += [".SH SYNOPSIS", *_synopsis(command, f"sealgate {verb}")]
    lines += [".SH DESCRIPTION", prose(said.first), *paragraphs(said.more)]
    if options := _options(command):
        lines += [".SH OPTIONS", *options]
    parts = dict(_below(command))
    if parts:
        lines += [".SH VERBS", *(line for name, each in parts.items() for line in item([name], [help_of(each).first]))]
    for below, each in parts.items():
        lines += _part(f"sealgate {verb} {below}", each)
    if said.examples:
        lines += [".SH EXAMPLES", *verbatim(said.examples)[1:]]
    return "\n".join([*lines, *_exit(said), *_related(verb), ""])


def _part(words: str, command: click.Command) -> list[str]:
    said = help_of(command)
    lines = [f".SH {typed(words.removeprefix('sealgate ').upper())}", *_synopsis(command, words)]
    lines += paragraphs([said.first, *said.more])
    if options := _options(command):
        lines += [".SS Options", *options]
    if said.exits:
        lines += [".SS Exit status", prose(said.exits)]
    if said.examples:
        lines += [".SS Examples", *verbatim(said.examples)[1:]]
    return lines


def _below(command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is None:
                raise LookupError(name)
            yield name, found


def verbs() -> dict[str, click.Command]:
    """Every verb of the program, by its name."""
    return dict(_below(program.cli))


def statuses() -> list[tuple[str, str]]:
    """The exit statuses that all verbs share, as the command's own module tells them."""
    text = " ".join((program.__doc__ or "").partition("\n\n")[2].split()).rstrip(".")
    found = [_STATUS.fullmatch(each) for each in text.split(" · ")]
    return [(each[1], each[2]) for each in found if each is not None]


def overview() -> str:
    """sealgate(8): what it is, its verbs, files, signals, exit statuses."""
    said = help_of(program.cli)
    usual = Settings()
    lines = head("sealgate", SECTION, "a milter for outbound mail: lawful, proven, sealed, recorded")
    lines += [".SH SYNOPSIS", "\\fBsealgate\\fR VERB [OPTIONS] [ARGUMENTS]", ".SH DESCRIPTION"]
    lines += paragraphs(DESCRIPTION.split("\n\n"))[1:]
    lines += [".SH VERBS"]
    for name, command in verbs().items():
        lines += [".TP", f".BR sealgate\\-{name} ({SECTION})", prose(help_of(command).first)]
    lines += [".SH OPTIONS", *item(["-h, --help"], ["What a verb does, its options and examples. Every verb has it."])]
    lines += item(["-V, --version"], ["The version."])
    lines += [".SH EXAMPLES", *verbatim(said.examples)[1:], ".SH EXIT STATUS"]
    for status, text in statuses():
        lines += item([status], [text])
    lines += [".SH FILES", *item(["/etc/sealgate/sealgate.yaml"], ["Settings of this host, sealgate.yaml(5)."])]
    lines += item([usual.profile], ["What may leave, sealgate-profile.yaml(5)."])
    lines += item(["/etc/sealgate/keys"], ["Signing keys; each is the gate's own, mode 0600."])
    lines += item([usual.audit_log], ["The record, sealgate-audit(5)."])
    lines += item(
        [usual.state], ["What the record is proved and read with, versions of the profile, the switch of the mode."]
    )
    lines += item([usual.socket.path], ["Where the MTA connects, if the settings name no other place."])
    lines += item(["/usr/share/doc/sealgate"], ["Guides (install.md, postfix.md, operations.md and more) and samples."])
    lines += [".SH ENVIRONMENT", *item(["NO_COLOR"], ["Set to anything: no colour. There is none but on a terminal."])]
    lines += [".SH SIGNALS", prose("To `sealgate serve`:")]
    for signal, text in SIGNALS:
        lines += item([signal], [text])
    pages = [("sealgate-rules", 7), ("sealgate.yaml", 5), ("sealgate-profile.yaml", 5), ("sealgate-audit", 5)]
    return "\n".join([*lines, *seen([*pages, ("postconf", 5)]), ""])


DESCRIPTION = """\
sealgate stands between Postfix or Sendmail and the network as the last milter of what is submitted. It lets a message
go on only where it is lawful (commercial mail carries what CAN-SPAM demands), proven (every sender's address in it
belongs to the Kerberos principal that logged in), sealed (DKIM) and recorded (one line, on disk before the SMTP reply).

What may leave is written in one file, the profile. With `mode: report` all is judged and recorded, and nothing is
refused. A fault of the gate itself never lets mail through unjudged: it is deferred, and the MTA tries again.

A refusal ends with an id. `sealgate audit explain ID` tells its story; sealgate-rules(7) has every rule with its reply
and how to mend the message.
"""
SIGNALS = (
    ("SIGHUP", "Read profile and keys again. Where they have an error nothing changes, and the log says why."),
    ("SIGUSR2", "Replace the program by the version on disk, with its settings, without refusing a connection."),
    ("SIGTERM", "End: what is under way is answered and recorded first."),
)
