r"""Regular expressions of an operator, weighed before they are used on an address that a sender chose.

Python's matcher tries one way after the other, so the number of ways in which an expression can go through the longest
address is bounded here: a repeat that ends where its next part begins has one way, one that overlaps it has as many as
it may be long, and what can be taken apart in several ways and is repeated without end is refused outright. What
matches at all is the same for POSIX and for Python; which of several matches is taken may differ where branches begin
alike, and `Expression.is_plain` tells where it cannot.
"""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from sealgate.profile.expression_tree import (
    Chars,
    Edge,
    ExpressionError,
    Group,
    Node,
    Reader,
    Repeat,
    Sequence,
)

MAX_EXPRESSION: Final = 1_000  # characters
MAX_SUBJECT: Final = 320  # characters of an address: 64 + @ + 253 at most
MAX_WAYS: Final = (MAX_SUBJECT + 1) ** 2  # of one expression: two repeats that overlap what follows them
_WIDER: Final = "begin it with ^, and let each repeat end where the next part begins: [^@]* before @ instead of .*"


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that may be used.

    Attributes:
        ways: an upper bound of the ways to go through an address, all starting points counted.
        groups: how many parentheses it has.
        is_plain: whether parentheses hold the same for every reader, POSIX or not.
    """

    pattern: re.Pattern[str]
    ways: int
    groups: int
    is_plain: bool


def read_expression(text: str, *, ignores_case: bool) -> Expression:
    """Read an extended regular expression.

    Raises:
        ExpressionError: it is none, holds what is not read here, or could go through an address in too many ways.
    """
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression is longer than {MAX_EXPRESSION} characters", 0)
    reader = Reader(text, ignores_case=ignores_case)
    tree = reader.whole()
    is_open = _is_open(tree)
    ways = _ways(tree, frozenset()) * (1 if is_open or _is_bound(tree) else MAX_SUBJECT)
    if ways > MAX_WAYS:
        raise ExpressionError("a sender could choose an address for which this takes too long", 0, _WIDER)
    source = ("^" if is_open else "") + _source(tree)
    pattern = re.compile(source, re.ASCII | re.DOTALL | (re.IGNORECASE if ignores_case else re.ASCII))
    return Expression(pattern, ways, reader.groups, _is_plain(tree))


def _is_bound(node: Node) -> bool:
    """Whether it can match at the beginning only."""
    if isinstance(node, Group):
        return all(map(_is_bound, node.branches))
    if isinstance(node, Sequence):
        return _is_bound(node.parts[0])
    return isinstance(node, Edge) and node.source == "^"


def _is_open(node: Node) -> bool:
    """Whether it begins with `.*` or `.+`: then what matches from further on matches from the beginning, too."""
    if isinstance(node, Group):
        return len(node.branches) == 1 and _is_open(node.branches[0])
    if isinstance(node, Sequence):
        return _is_open(node.parts[0])
    is_any = isinstance(node, Repeat) and isinstance(node.part, Chars) and node.part.source == "."
    return is_any and isinstance(node, Repeat) and node.high is None and node.low < 2


def _is_nullable(node: Node) -> bool:
    """Whether it can match nothing. Edges do."""
    if isinstance(node, Chars):
        return False
    if isinstance(node, Repeat):
        return node.low == 0 or _is_nullable(node.part)
    if isinstance(node, Sequence):
        return all(map(_is_nullable, node.parts))
    return isinstance(node, Edge) or any(map(_is_nullable, node.branches))


def _first(node: Node) -> frozenset[int]:
    """The characters it can begin with."""
    if isinstance(node, Chars):
        return node.members
    if isinstance(node, Edge):
        return frozenset()
    if isinstance(node, Repeat):
        return _first(node.part)
    if isinstance(node, Group):
        return frozenset[int]().union(*map(_first, node.branches))
    found: frozenset[int] = frozenset()
    for part in node.parts:
        found |= _first(part)
        if not _is_nullable(part):
            break
    return found


def _ways(node: Node, follow: frozenset[int]) -> int:
    """In how many ways the node can go through an address; `follow`: what may come right behind it."""
    if isinstance(node, Repeat):
        return _repeat_ways(node, follow)
    if isinstance(node, Group):
        found = [_ways(branch, follow) for branch in node.branches]
        return max(found) if _are_apart(node, follow) else sum(found)
    if isinstance(node, Sequence):
        total = 1
        for part in reversed(node.parts):
            total = min(total * _ways(part, follow), MAX_WAYS + 1)
            follow = _first(part) | (follow if _is_nullable(part) else frozenset())
        return total
    return 1


def _are_apart(group: Group, follow: frozenset[int]) -> bool:
    """Whether the next character decides the branch."""
    firsts = [_first(b) | (follow if _is_nullable(b) else frozenset()) for b in group.branches]
    return all(a.isdisjoint(b) for a, b in combinations(firsts, 2))


def _repeat_ways(node: Repeat, follow: frozenset[int]) -> int:
    start = _first(node.part)
    inner = _ways(node.part, start | follow)
    if node.high == 1:
        return inner + (not start.isdisjoint(follow) or _is_nullable(node.part))
    if _is_nullable(node.part):
        raise ExpressionError("what can be nothing is repeated", node.offset, "take the inner * or ? away")
    if inner > 1:
        if node.high is None or node.high > 10:
            hint = "one repeat over a set, such as ([a-z0-9.-]+), says the same in most cases"
            raise ExpressionError("a repeat holds another repeat or branches that begin alike", node.offset, hint)
        inner **= node.high
    choices = (MAX_SUBJECT if node.high is None else node.high) - node.low + 1
    return min(inner * (1 if start.isdisjoint(follow) else choices), MAX_WAYS + 1)


def _is_plain(node: Node) -> bool:
    if isinstance(node, Repeat):
        return _is_plain(node.part)
    if isinstance(node, Sequence):
        return all(map(_is_plain, node.parts))
    if isinstance(node, Group):
        # Behind a branch that can be nothing, Python and POSIX may choose differently.
        is_sure = not any(map(_is_nullable, node.branches)) and _are_apart(node, frozenset())
        return (len(node.branches) == 1 or is_sure) and all(map(_is_plain, node.branches))
    return True


def _source(node: Node, *, is_top: bool = True) -> str:
    """Write it for Python's `re`."""
    if isinstance(node, Chars | Edge):
        return node.source
    if isinstance(node, Sequence):
        return "".join(_source(part, is_top=False) for part in node.parts)
    if isinstance(node, Group):
        inside = "|".join(_source(branch, is_top=False) for branch in node.branches)
        if is_top:
            return inside if len(node.branches) == 1 else f"(?:{inside})"
        return f"({inside})"
    bounds = f"{{{node.low},{'' if node.high is None else node.high}}}"
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.low, node.high), bounds)
    return _source(node.part, is_top=False) + short
