"""Typed readers over the node tree of `nodes`: text, yes_no, choice, whole, items, texts, words, table.

`read_fields` takes a mapping whose keys are known and gives a `Fields`; each reader takes a key and gives a value of
the type that was asked for, or the default, with a problem noted. No reader raises on any tree, and none guesses:
`yes` is true only where yes_no was asked for, and `010` is the number ten only where a number was.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sealgate.profile.model import Place
from sealgate.profile.nodes import Listing, Node, Problems, Scalar, Table, near, shown

_WHOLE = re.compile(r"[0-9]{1,12}")
_NOTHING: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({})
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping whose keys are known, with its readers. `label` names it in messages."""

    label: str
    place: Place
    problems: Problems
    nodes: dict[str, Node]
    key_places: dict[str, Place]

    def __contains__(self, key: str) -> bool:
        return key in self.nodes

    def at(self, key: str) -> Place:
        """Return the place of the key, or of the whole mapping where the key is not given."""
        return self.key_places.get(key, self.place)

    def text(self, key: str, default: str = "") -> str:
        """Read one line of text that is not empty."""
        if key not in self.nodes:
            return default
        found = text_of(self.nodes[key], shown(key), self.problems)
        return default if found is None else found

    def need_text(self, key: str) -> str:
        """Read one line of text that must be given; an empty string where it is wrong or missing."""
        if key not in self.nodes:
            self.problems.error(self.place, f"{self.label} needs {shown(key)}")
        return self.text(key)

    def yes_no(self, key: str, *, default: bool, words: tuple[str, str] = ("yes", "no")) -> bool:
        """Read yes/no, on/off or true/false; `words` are those that this field is documented with."""
        if key not in self.nodes:
            return default
        node = self.nodes[key]
        found = _WORDS.get(node.text.lower()) if isinstance(node, Scalar) else None
        if found is None:
            self.problems.error(node.place, f"{shown(key)} must be {words[0]} or {words[1]}, not {kind_of(node)}")
            return default
        return found

    def choice(self, key: str, words: Sequence[str], default: str) -> str:
        """Read one of `words`, exactly as they are spelled."""
        if key not in self.nodes:
            return default
        node = self.nodes[key]
        if isinstance(node, Scalar) and node.text in words:
            return node.text
        hint = near(node.text.lower(), words) if isinstance(node, Scalar) else ""
        self.problems.error(node.place, f"{shown(key)} must be one of: {', '.join(words)}; not {kind_of(node)}", hint)
        return default

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """Read a whole number from `low` to `high`, written in decimal digits."""
        if key not in self.nodes:
            return default
        node = self.nodes[key]
        if isinstance(node, Scalar) and _WHOLE.fullmatch(node.text) and low <= int(node.text) <= high:
            return int(node.text)
        self.problems.error(
            node.place, f"{shown(key)} must be a whole number from {low} to {high}, not {kind_of(node)}"
        )
        return default

    def items(self, key: str, *, one_will_do: bool = False) -> tuple[Node, ...]:
        """Read a list; a field left empty is an empty list. `one_will_do`: a lone text stands for a list of one."""
        node = self.nodes.get(key)
        if node is None or _is_blank(node):
            return ()
        if isinstance(node, Listing):
            return node.nodes
        if one_will_do and isinstance(node, Scalar):
            return (node,)
        hint = f"write [{node.text[:60]}]" if isinstance(node, Scalar) else "begin each entry with `- `"
        self.problems.error(node.place, f"{shown(key)} must be a list, not {kind_of(node)}", hint)
        return ()

    def texts(self, key: str, *, one_will_do: bool = False) -> tuple[tuple[str, Place], ...]:
        """Read a list of texts, each with its place; what is no text is reported and left out."""
        read = (
            (text_of(n, f"an entry of {shown(key)}", self.problems), n.place)
            for n in self.items(key, one_will_do=one_will_do)
        )
        return tuple((value, place) for value, place in read if value is not None)

    def words(self, key: str, label: str) -> "Fields":
        """Read a mapping whose keys are the operator's own names, to be read on with `choice` and the like."""
        pairs = self.table(key)
        nodes = {name.text: value for name, value in pairs}
        return Fields(label, self.at(key), self.problems, nodes, {name.text: name.place for name, _ in pairs})

    def table(self, key: str) -> tuple[tuple[Scalar, Node], ...]:
        """Read a mapping whose keys are the operator's own names; a field left empty is an empty mapping."""
        node = self.nodes.get(key)
        if node is None or _is_blank(node):
            return ()
        if not isinstance(node, Table):
            self.problems.error(node.place, f"{shown(key)} must be a mapping (name: ...), not {kind_of(node)}")
            return ()
        return tuple(pair for pair in node.pairs if text_of(pair[0], f"a name under {shown(key)}", self.problems))


def read_fields(
    node: Node,
    known: Sequence[str],
    label: str,
    problems: Problems,
    cannot_be: Mapping[str, tuple[str, str]] = _NOTHING,
) -> Fields:
    """Read a mapping that may have only the `known` keys; anything else is a problem that lists them.

    Args:
        node: what should be the mapping.
        known: the keys it may have.
        label: its name in messages.
        problems: where to note what is wrong.
        cannot_be: keys that people look for and that cannot be: why not, and what to write instead.
    """
    nodes: dict[str, Node] = {}
    places: dict[str, Place] = {}
    if not isinstance(node, Table):
        example = f"write {{{known[0]}: ...}}" if known else ""
        problems.error(node.place, f"{label} must be a mapping with its fields, not {kind_of(node)}", example)
        return Fields(label, node.place, problems, nodes, places)
    for key, value in node.pairs:
        if key.text in known:
            nodes[key.text] = value
            places[key.text] = key.place
            continue
        if key.text in cannot_be:
            why, instead = cannot_be[key.text]
            problems.error(key.place, f"{label} cannot have {shown(key.text)}: {why}", instead)
            continue
        guess = near(key.text, known)
        listed = f"known here: {', '.join(known)}"
        problems.error(key.place, f"{label} has no field {shown(key.text)}", f"{guess} {listed}" if guess else listed)
    return Fields(label, node.place, problems, nodes, places)


def text_of(node: Node, label: str, problems: Problems) -> str | None:
    """Read one line of text that is not empty; None, with a problem noted, where there is none."""
    if not isinstance(node, Scalar):
        hint = "put it in double quotes: { and [ begin a mapping or a list" if isinstance(node, Table) else ""
        problems.error(node.place, f"{label} must be text, not {kind_of(node)}", hint)
        return None
    if not node.text.strip():
        problems.error(node.place, f"{label} is empty")
        return None
    if "\n" in node.text or "\t" in node.text:
        problems.error(node.place, f"{label} must be one line without tabs")
        return None
    return node.text


def kind_of(node: Node) -> str:
    """Name what stands at a node, for `..., not X`."""
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Listing):
        return "a list"
    return shown(node.text) if node.text else "nothing"


def _is_blank(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and not node.text
