"""Postfix's smtpd_sender_login_maps as a regexp_table(5): a row an expression, with the logins of what it matches.

Rows are tried in the order of the file on the whole address, and the first that matches decides alone. Patterns ignore
case unless `i` stands behind them. `$1` in a login is what the first parentheses hold; it fills in a name of one
component and nothing else: whatever holds `@`, `/` or a backslash gives no login, and the realm is always written out,
because an address does not choose a realm. `if` and `endif` are read. Each expression, and all together, are bounded
in what a sender can make them cost (`expressions`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sealgate.mail.address import Address
from sealgate.profile.expression_tree import ExpressionError
from sealgate.profile.expressions import MAX_WAYS, Expression, read_expression
from sealgate.profile.model import Place, Principal, SenderFile
from sealgate.profile.nodes import Problems, shown
from sealgate.profile.principal import parse_principal
from sealgate.profile.sender_logins import Logins, folded, warn_of_twins
from sealgate.profile.sender_rows import RawRow, raw_rows

MAX_RULES: Final = 2_000
MAX_TOTAL_WAYS: Final = 5 * MAX_WAYS  # measured: 0.3 s at worst for one expression of MAX_WAYS, and mostly 0.01
_WITNESS: Final = "some-user"
_UNFIT: Final = frozenset("@/\\, ")  # what may not come into a login by substitution
_SIGNS = re.compile(r"\$(?:(\$)|([0-9]+)(?![A-Za-z0-9_])|\{([0-9]+)\}|\(([0-9]+)\))")
_IF = re.compile(r"if(?=\s)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """A login with places for what parentheses hold: texts, and numbers of groups."""

    parts: tuple[str | int, ...]
    realm: str

    def filled(self, match: re.Match[str] | None) -> Principal | None:
        """The principal for a match, or None where what would be filled in is no plain name."""
        words = [part if isinstance(part, str) else (match and match[part]) or "" for part in self.parts]
        if any(isinstance(p, int) and set(w) & _UNFIT for p, w in zip(self.parts, words, strict=True)):
            return None
        try:
            found = parse_principal(f"{''.join(words)}@{self.realm}")
        except ValueError:
            return None
        return found if found.realm == self.realm else None

    def may_be(self, principal: Principal) -> bool:
        """Whether some address could give this principal."""
        if self.realm != principal.realm:
            return False
        pattern = "".join(re.escape(p) if isinstance(p, str) else r"[^@/\\, ]*" for p in self.parts)
        return re.fullmatch(pattern, principal.name) is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: `if`, `endif`, or an expression with its logins."""

    line: int
    written: str  # the pattern as it stands
    expression: Expression | None  # None: endif
    is_negated: bool = False
    logins: tuple[Template, ...] = ()
    end: int = -1  # of an `if`: the index of its endif


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A file in the format `regexp`."""

    text: str
    rules: tuple[Rule, ...]
    fold_realms: frozenset[str]

    def line_for(self, principal: Principal, address: Address, *, exact_case: bool, delimiter: str) -> int:
        """The line (from 1) that lets `principal` use `address`, or 0."""
        wanted = str(folded(principal, self.fold_realms))
        found = self.holders(address, exact_case=exact_case, delimiter=delimiter)
        return next((line for login, line in found if login == wanted), 0)

    def of(self, principal: Principal) -> tuple[tuple[str, int], ...]:
        """Every pattern that can give `principal`, with its line."""
        wanted = folded(principal, self.fold_realms)
        return tuple((r.written, r.line) for r in self.rules if any(self._may_be(t, wanted) for t in r.logins))

    def holders(self, address: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        """Every principal that may use `address`, with the line that says so."""
        del delimiter  # Postfix looks the whole address up in such a table, and nothing less
        local = address.local if exact_case else address.local.lower()
        subject, index = f"{local}@{address.domain}", 0
        while index < len(self.rules):
            rule = self.rules[index]
            index += 1
            if rule.expression is None:
                continue
            match = rule.expression.pattern.search(subject)
            if (match is None) is rule.is_negated:
                if rule.end < 0:
                    return tuple((login, rule.line) for login in self._filled(rule, match))
            elif rule.end >= 0:
                index = rule.end
        return ()

    def _filled(self, rule: Rule, match: re.Match[str] | None) -> Iterator[str]:
        for template in rule.logins:
            if principal := template.filled(match):
                yield str(folded(principal, self.fold_realms))

    def _may_be(self, template: Template, principal: Principal) -> bool:
        if principal.realm not in self.fold_realms:
            return template.may_be(principal)
        lower = tuple(part.lower() if isinstance(part, str) else part for part in template.parts)
        return Template(lower, template.realm).may_be(principal)


def parse_rules(text: str, source: SenderFile, fold: frozenset[str], problems: Problems) -> RuleTable:
    """Read a regexp_table; rows with an error in them are noted and left out."""
    reader = _Rules(Logins(source, fold), problems)
    for row in raw_rows(text, problems):
        if len(reader.rules) >= MAX_RULES:
            problems.error(row.place, f"more than {MAX_RULES} rows: each is tried on each address", "use texthash")
            break
        reader.take(row)
    return RuleTable(text, reader.ended(), fold)


class _Rules:
    """Reads rows one after the other."""

    def __init__(self, logins: Logins, problems: Problems) -> None:
        self.rules: list[Rule] = []
        self._logins = logins
        self._problems = problems
        self._open: list[int] = []  # indexes of `if` rows
        self._ways = 0
        self._named: dict[str, int] = {}

    def take(self, row: RawRow) -> None:
        text = row.joined()
        start = 0
        if text.lower() == "endif":
            self._end(row)
            return
        if match := _IF.match(text):
            start = match.end()
        is_negated = text[start : start + 1] == "!"
        start += is_negated
        end = _closing(text, start)
        if end < 0:
            hint = "write /pattern/ login, if /pattern/, or endif"
            self._problems.error(row.at(start), "no expression between two delimiters stands here", hint)
            return
        flags, _, logins = text[end + 1 :].replace("\t", " ").partition(" ")
        expression = self._expression(row, text[start + 1 : end], start + 1, flags, end + 1)
        if match:
            self._if(row, expression, text[: end + 1 + len(flags)], logins, is_negated=is_negated)
            return
        templates = self._templates(row, end + 1 + len(flags), expression, is_negated=is_negated)
        if expression and templates:
            written = text[start - is_negated : end + 1 + len(flags)]
            self.rules.append(Rule(row.line, written, expression, is_negated, templates))

    def ended(self) -> tuple[Rule, ...]:
        for index in self._open:
            self._problems.error(Place(self.rules[index].line, 1), "this `if` has no endif")
        odd = ((login, line) for login, line in self._named.items() if (n := login.rpartition("@")[0]) != n.lower())
        warn_of_twins(odd, lambda login: self._named.get(login, 0), self._problems)
        self._logins.warn_of_realms(self._problems)
        return tuple(self.rules)

    def _end(self, row: RawRow) -> None:
        if not self._open:
            self._problems.error(row.place, "this endif has no `if`")
            return
        index = self._open.pop()
        begun = self.rules[index]
        self.rules[index] = Rule(begun.line, begun.written, begun.expression, begun.is_negated, (), len(self.rules))
        self.rules.append(Rule(row.line, "endif", None))

    def _if(self, row: RawRow, expression: Expression | None, written: str, rest: str, *, is_negated: bool) -> None:
        if rest.strip():
            self._problems.error(row.place, "an `if` has no logins", "put the rows it is for behind it, then endif")
        self._open.append(len(self.rules))
        self.rules.append(Rule(row.line, written, expression, is_negated, (), 0))

    def _expression(self, row: RawRow, pattern: str, start: int, flags: str, behind: int) -> Expression | None:
        """Read a pattern with its flags; None, with a problem noted, where it cannot be used."""
        if unknown := set(flags) - set("im"):
            hint = "x would make it a basic expression: write it as an extended one" if "x" in unknown else ""
            self._problems.error(row.at(behind), f"flag {shown(min(unknown))} is not read; there are i and m", hint)
            return None
        ignores_case = flags.count("i") % 2 == 0
        if not ignores_case and re.search(r"[A-Z]|\[:upper:\]", pattern):
            self._problems.warning(
                row.at(start),
                f"{shown(pattern)} asks for capitals, and domains have none here, nor have local parts",
                "take the flag i away: it makes case count; or say `local_parts: exact` if they do",
            )
        try:
            found = read_expression(pattern, ignores_case=ignores_case)
        except ExpressionError as error:
            self._problems.error(row.at(start + error.offset), f"{shown(pattern)}: {error}", error.hint)
            return None
        before = self._ways
        self._ways += found.ways
        if before <= MAX_TOTAL_WAYS < self._ways:
            hint = "begin expressions with ^ and end them with $, use [^@]* instead of .*, or use texthash"
            self._problems.error(row.place, "all expressions up to here together could take too long", hint)
        return found

    def _templates(
        self, row: RawRow, behind: int, expression: Expression | None, *, is_negated: bool
    ) -> tuple[Template, ...]:
        found: list[Template] = []
        text = row.joined()
        words = list(re.finditer(r"[^\s,]+", text[behind:]))
        if not words:
            self._problems.error(row.place, "no login stands behind the expression", "write user@REALM or $1@REALM")
        for word in words:
            try:
                template = self._template(word[0], row.line)
                fault = _fault(template, expression, is_negated=is_negated)
            except ValueError as error:
                template, fault = None, f"{shown(word[0])} is no principal: {error}"
            if fault or template is None:
                self._problems.error(row.at(behind + word.start()), fault)
            else:
                found.append(template)
        return tuple(found)

    def _template(self, word: str, line: int) -> Template:
        """Read a login with its substitutions.

        Raises:
            ValueError: it is no principal, whatever is filled in.
        """
        edges = [0, *(edge for m in _SIGNS.finditer(word) for edge in m.span()), len(word)]
        parts: list[str | int] = []
        for number, (start, end) in enumerate(pairwise(edges)):
            piece = word[start:end]
            if number % 2 == 0:
                if "$" in piece:
                    raise ValueError("behind $ stands a number, ($$ is the character)")
                parts.append(piece)
            elif piece == "$$":
                parts.append("$")
            else:
                parts.append(int(piece.strip("${}()")))
        if all(isinstance(part, str) for part in parts):
            principal = self._logins.read("".join(map(str, parts)), line)
            self._named.setdefault(str(principal), line)
            return Template((principal.name,), principal.realm)
        probe = self._logins.read("".join(p if isinstance(p, str) else _WITNESS for p in parts), line)
        if _WITNESS in probe.realm:
            raise ValueError("the realm must be written out: an address does not choose its realm")
        return Template(_without_realm(parts, probe.realm), probe.realm)


def _without_realm(parts: list[str | int], realm: str) -> tuple[str | int, ...]:
    """Take `@REALM` off the end, where it was written."""
    last = parts[-1]
    if isinstance(last, str) and last.endswith(f"@{realm}"):
        parts[-1] = last[: -len(realm) - 1]
    return tuple(part for part in parts if part != "")


def _fault(template: Template, expression: Expression | None, *, is_negated: bool) -> str:
    numbers = [part for part in template.parts if isinstance(part, int)]
    if not numbers or expression is None:
        return ""
    if is_negated:
        return "an expression that must not match has nothing to fill in"
    if not all(1 <= number <= expression.groups for number in numbers):
        return f"the expression has {expression.groups} pairs of parentheses: there is no ${max(numbers)}"
    if not expression.is_plain:
        return "branches of the expression begin alike, so what $1 holds depends on who reads it: give each a row"
    return ""


def _closing(text: str, start: int) -> int:
    """The place of the delimiter that ends an expression begun at `start`, or -1. A backslash guards what follows."""
    delimiter = text[start : start + 1]
    if not delimiter or delimiter.isalnum() or delimiter.isspace() or delimiter in "\\#":
        return -1
    position = start + 1
    while position < len(text) and text[position] != delimiter:
        position += 2 if text[position] == "\\" else 1
    return position if position < len(text) and position > start + 1 else -1
