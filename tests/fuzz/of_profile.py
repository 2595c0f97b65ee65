"""Targets: what an operator writes. Profile, settings, files of senders, expressions, an OpenDKIM configuration."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from unittest.mock import patch

from sealgate.cli.import_opendkim import LISTS
from sealgate.mail.address import Address
from sealgate.mail.reply import printable
from sealgate.profile import sender_maps, senders
from sealgate.profile.expression_tree import ExpressionError
from sealgate.profile.expressions import MAX_SUBJECT, read_expression
from sealgate.profile.lint import check_profile
from sealgate.profile.model import Principal, Problem, SenderFile, SenderFormat
from sealgate.profile.opendkim import UnreadableError
from sealgate.profile.opendkim_profile import import_opendkim
from sealgate.profile.principal import parse_principal
from sealgate.profile.sender_logins import folded
from sealgate.profile.senders import dumped, loaded, parse_sender_table
from sealgate.profile.settings import parse_server, parse_settings, parse_socket
from sealgate.wiring import SETTABLE_RULES
from tests.fuzz.target import Failure, must, same

_FILES: Final = ("conf", "keys", "table", "hosts", "more", "domains")
_PRINCIPALS: Final = (Principal("alice", "EXAMPLE.TEST"), Principal("svc/news", "EXAMPLE.TEST"))
_ADDRESSES: Final = (Address("alice", "example.test"), Address("a.b+c", "lists.example.test"))


def profile(data: bytes) -> None:
    """A profile is read, or there are errors; what is said of it may be shown on a terminal."""
    text = data.decode("utf-8", "replace")
    made, problems = check_profile(text, "profile.yaml", known_rules=SETTABLE_RULES)
    _are_sound(problems, text)
    same(made is None, any(each.is_error for each in problems), problems)


def settings(data: bytes) -> None:
    """The same of the settings of the service, of sockets and of servers."""
    text = data.decode("utf-8", "replace")
    made, problems = parse_settings(text, "sealgate.yaml")
    _are_sound(problems, text)
    same(made is None, any(each.is_error for each in problems), problems)
    for read in (parse_socket, parse_server):
        with suppress(ValueError):
            read(text)


def _are_sound(problems: tuple[Problem, ...], text: str) -> None:
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    for each in problems:
        must(0 <= each.line <= lines, each, lines)
        must(str(each).replace("\n", "").isprintable(), str(each))


def sender_table(data: bytes) -> None:
    """Files of senders: the quick way to read a row says what the long way says, and what is kept is what was read."""
    formats = tuple(SenderFormat)
    choice = data[0] if data else 0
    source = SenderFile("senders", formats[choice % len(formats)], "EXAMPLE.TEST" if choice & 8 else "")
    fold = frozenset({"EXAMPLE.TEST"}) if choice & 16 else frozenset[str]()
    text = data[1:].decode("utf-8", "surrogateescape" if choice & 32 else "replace")
    table, problems = parse_sender_table(text, source, fold_realms=fold)
    _are_sound(problems, text)
    never = "_quick_row"
    with patch.object(senders, never, _none), patch.object(sender_maps, never, _none):
        slow, of_slow = parse_sender_table(text, source, fold_realms=fold)
    same(problems, of_slow)
    same(table is None, slow is None)
    if table is None or slow is None:
        return
    same(dumped(table), dumped(slow))
    again = loaded(dumped(table), source, fold_realms=fold)
    for principal in _PRINCIPALS:
        same(table.of(principal), again.of(principal))
        for address in _ADDRESSES:
            for delimiter in ("", "+"):
                line = table.line_for(principal, address, exact_case=False, delimiter=delimiter)
                same(line, again.line_for(principal, address, exact_case=False, delimiter=delimiter))
                found = table.holders(address, exact_case=False, delimiter=delimiter)
                same(found, again.holders(address, exact_case=False, delimiter=delimiter))
                same(line > 0, str(folded(principal, fold)) in [name for name, _ in found], principal, found)


def _none(*_: object) -> None:
    return None


def expression(data: bytes) -> None:
    """An expression that is let in goes through any address quickly; a principal is spelt in one way."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError):
        found = parse_principal(text)
        same(parse_principal(str(found)), found)
    try:
        read = read_expression(text, ignores_case=len(text) % 2 == 0)
    except ExpressionError as error:
        must(str(error).isprintable(), str(error))
        return
    piece = text[:3].strip("^$()[]*+") or "a"
    for subject in ("a" * MAX_SUBJECT, (piece * MAX_SUBJECT)[:MAX_SUBJECT], "a.b" * 20 + "@" + "c." * 120):
        began = time.thread_time()
        read.pattern.search(subject)
        took = time.thread_time() - began
        if took > 0.25:
            raise Failure(f"{took:.2f} s to go through {subject[:20]}")


class _Shelf:
    """Files by name."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def text(self, path: str) -> str:
        """What a file holds."""
        try:
            return self._texts[path]
        except KeyError:
            raise UnreadableError(printable(f"{path}: No such file or directory", 300)) from None

    def filled(self, path: str) -> tuple[str, ...]:
        """Domains for `%`."""
        return ("a.test", "B.test", "not a domain")


def opendkim(data: bytes) -> None:
    """An OpenDKIM configuration, then its tables, parted by NULs: a profile comes of it, or what stops that is said."""
    texts = data.decode("utf-8", "replace").split("\0")
    shelf = _Shelf({f"/etc/{name}": text for name, text in zip(_FILES, texts, strict=False)})
    found = import_opendkim("/etc/conf", shelf, LISTS, SETTABLE_RULES)
    for remark in found.remarks:
        must(str(remark).replace("\n", "").isprintable(), str(remark))
    if not found.stops:
        made, problems = check_profile(found.text, "profile.yaml", known_rules=SETTABLE_RULES)
        must(made is not None, [str(each) for each in problems], found.text)


Check = Callable[[bytes], None]
