"""Style sheets of a message: which declarations they hold for which elements.

Only what `style` reads is kept. Selectors are tags, classes, ids and attributes, alone or as descendants and children
of others; those with siblings or states (`:hover`, `:nth-child`) are left out, as is what stands in `@font-face` and
the like. A rule inside `@media` with conditions is *some readers' rule*: it may show what is hidden else, and nothing
more.

Time is bounded whatever a sender writes: a sheet is cut at `MAX_CSS` characters and `MAX_SELECTORS` selectors, and then
`Sheet.is_cut` says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from sealgate.mail.selector import MAX_PARTS, Compound, key_of, selector_of
from sealgate.mail.style import Declared, declared

MAX_CSS: Final = 262_144
MAX_SELECTORS: Final = 2_000
_CACHED: Final = 65_536

T = TypeVar("T")

_COMMENT = re.compile(r"/\*(?s:.*?)(?:\*/|\Z)|<!--|-->")
_TOKEN = re.compile(r"[{};]|\"[^\"\n]*+\"?|'[^'\n]*+'?")
_PRELUDE_PART = re.compile(r"[^,\[(]++|,|\[[^\]]*+\]?|\([^)]*+\)?")
_ALL_MEDIA: Final = frozenset({"", "all", "screen", "only screen", "only all"})
_NO_MEDIA: Final = frozenset(("print", "speech", "aural", "braille", "embossed", "projection", "tty", "tv", "handheld"))


@dataclass(frozen=True, slots=True)
class Part:
    """An outer part of a selector: what an element around must be.

    Attributes:
        compound: that.
        number: of this part among those of the sheet; outer: of the one around it, -1 for none.
        is_child: it must be a child of that one.
        is_above: what it stands around must be its child.
    """

    compound: Compound
    number: int
    outer: int
    is_child: bool
    is_above: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector and its declarations.

    Attributes:
        compound: what the element itself must be.
        outer, is_child: the number of the `Part` it must stand in, -1 for none; it must be its child.
        weight: specificity (Selectors 4, 17) and then the place in the sheet.
        is_for_some: it stands under conditions.
    """

    compound: Compound
    outer: int
    is_child: bool
    weight: tuple[int, int, int, int]
    declared: Declared
    is_for_some: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Rules, and outer parts of selectors, by what their element must have: `#id`, `.class`, `tag`, or `*`.

    Attributes:
        is_cut: not all of it was read.
        has_targets: some selector asks what the target of a link or a picture is, or the text that stands for it.
        kept: for `cascade` to keep what it found with this sheet.
    """

    rules: Mapping[str, tuple[Rule, ...]]
    outer: Mapping[str, tuple[Part, ...]]
    is_cut: bool = False
    has_targets: bool = False
    kept: dict[str, Any] = field(default_factory=dict)


def read_sheet(css: str) -> Sheet:
    """Read a style sheet."""
    return _kept(css) if len(css) <= _CACHED else _read(css)


def _read(css: str) -> Sheet:
    rules: dict[str, list[Rule]] = {}
    outer: dict[str, list[Part]] = {}
    count, is_cut, has_targets = 0, len(css) > MAX_CSS, False
    for prelude, body, is_for_some in _blocks(_COMMENT.sub(" ", css[:MAX_CSS])):
        held = declared(body)
        if not (held[0] or held[1]):
            continue
        for selector in _selectors(prelude):
            found = selector_of(selector)
            if found is None:
                continue
            parts, is_child, weight = found
            count += 1
            is_cut = is_cut or count > MAX_SELECTORS
            if is_cut:
                break
            has_targets = has_targets or any(map(_asks_targets, parts))
            number = _take_parts(outer, count * MAX_PARTS, parts, is_child)
            rule = Rule(parts[0], number, bool(is_child) and is_child[0], (*weight, count), held, is_for_some)
            rules.setdefault(key_of(parts[0]), []).append(rule)
    return Sheet(_frozen(rules), _frozen(outer), is_cut, has_targets)


def _take_parts(
    outer: dict[str, list[Part]], first: int, parts: tuple[Compound, ...], is_child: tuple[bool, ...]
) -> int:
    """Note the outer parts of a selector, the outermost first, from `first` on; return the innermost one's, or -1."""
    number = -1
    for at in range(len(parts) - 1, 0, -1):
        below_child = at < len(is_child) and is_child[at]
        part = Part(parts[at], first + at, number, below_child, is_child[at - 1])
        outer.setdefault(key_of(parts[at]), []).append(part)
        number = part.number
    return number


def _asks_targets(part: Compound) -> bool:
    return any(name in ("src", "alt") or (name == "href" and how) for name, how, _ in part.attributes)


def _frozen(lists: dict[str, list[T]]) -> dict[str, tuple[T, ...]]:
    return {key: tuple(some) for key, some in lists.items()}


_kept = lru_cache(maxsize=64)(_read)
NO_SHEET: Final = Sheet({}, {})


def _blocks(css: str) -> list[tuple[str, str, bool]]:
    """Return preludes and bodies of the rules that may hold, and whether they stand under conditions."""
    blocks: list[tuple[str, str, bool]] = []
    opened: list[str] = []  # "all", "some", "none", or "rule"
    start = 0
    prelude = ""
    for token in _TOKEN.finditer(css):
        character = token[0]
        if character == "{":
            parent = opened[-1] if opened else "all"
            head = css[start : token.start()].strip()
            if parent == "rule":
                opened[-1] = "none"  # nested rules: nobody writes them in mail, and the outer one is then unclear
                parent = "none"
            if head[:1] == "@" or parent == "none":
                opened.append("none" if parent == "none" else _narrower(parent, head))
            else:
                opened.append("rule")
                prelude = head
            start = token.end()
        elif character == "}":
            kind = opened.pop() if opened else "none"
            if kind == "rule":
                blocks.append((prelude, css[start : token.start()], "some" in opened))
            start = token.end()
        elif character == ";" and (not opened or opened[-1] != "rule"):
            start = token.end()
    if opened and opened[-1] == "rule":
        blocks.append((prelude, css[start:], "some" in opened))  # the end closes what is open (CSS Syntax 3, 5.4)
    return blocks


def _narrower(parent: str, head: str) -> str:
    """What holds within an at-rule inside of `parent`."""
    word, _, query = head.partition(" ")
    word, bracket, rest = word.lower().partition("(")
    if word in ("@layer", "@starting-style"):
        return parent
    if word in ("@supports", "@container", "@-moz-document"):
        return "some"
    held = medium(f"{bracket}{rest} {query}") if word == "@media" else "none"
    return held if held == "none" or parent == "all" else parent


def medium(query: str) -> str:
    """Whether a media query list holds for "all" readers of mail on a screen, for "some" or for "none"."""
    held = "none"
    for each in query.lower()[:4_000].split(","):
        words = " ".join(each.split())
        if words in _ALL_MEDIA:
            return "all"
        if words.removeprefix("only ").split(" ")[0] not in _NO_MEDIA:
            held = "some"
    return held


def _selectors(prelude: str) -> list[str]:
    if "[" not in prelude and "(" not in prelude:
        return prelude.split(",")
    lists = [""]
    pieces: list[str] = []
    for piece in _PRELUDE_PART.findall(prelude):
        if piece == ",":
            lists.append("".join(pieces))
            pieces = []
        else:
            pieces.append(piece)
    return [*lists[1:], "".join(pieces)]
