"""Selectors of style sheets, as far as mail has them: tags, classes, ids and attributes, within one another.

Those with siblings or states (`:hover`, `:nth-child`) are not understood: `selector_of` answers None. Nothing raises;
reading is linear, and so is one comparison with one element.
"""

import re
from dataclasses import dataclass
from typing import Final

from sealgate.mail.element import Element

MAX_PARTS: Final = 12  # compounds of one selector
_MAX_SELECTOR: Final = 500
_MAX_HELD: Final = 2_000  # characters of an attribute that are compared
_COMBINED = re.compile(r"[ \t\r\n\f]*([ \t\r\n\f>+~])[ \t\r\n\f]*((?:[^ \t\r\n\f>+~\[]++|\[[^\]]*+\]?)+)")
_SIMPLE = re.compile(
    r"(?P<tag>[a-zA-Z][\w-]*+|\*)|\.(?P<class>[^.#\[:*]++)|\#(?P<id>[^.#\[:*]++)"
    r"|\[\s*(?P<name>[\w:-]++)\s*(?:(?P<how>[~|^$*]?=)\s*(?:\"(?P<v1>[^\"]*+)\"|'(?P<v2>[^']*+)'|(?P<v3>[^\]\s]*+))"
    r"\s*[iIsS]?\s*)?\]|:(?P<pseudo>any-link|link|root)(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element must be. `attributes` are name, operator and value; `is_simple`: no id and none of them."""

    tag: str = ""
    id: str = ""
    classes: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str, str], ...] = ()
    is_simple: bool = True

    def fits(self, element: Element) -> bool:
        """Whether the element is that."""
        if self.tag and self.tag != element.name:
            return False
        if self.classes and not self.classes <= element.classes:
            return False
        if self.id and element.attributes.get("id") != self.id:
            return False
        return all(_has(element.attributes.get(name), how, value) for name, how, value in self.attributes)


def _has(held: str | None, how: str, value: str) -> bool:
    if held is None or not how:
        return held is not None
    held = held[:_MAX_HELD]
    if how == "=":
        return held == value
    if how == "~=":
        return f" {value} " in f" {held} "
    if how == "|=":
        return held == value or held.startswith(f"{value}-")
    found = held.startswith(value) if how == "^=" else held.endswith(value) if how == "$=" else value in held
    return bool(value) and found


def selector_of(text: str) -> tuple[tuple[Compound, ...], tuple[bool, ...], tuple[int, int, int]] | None:
    """Read one selector; None for one that is not understood, or that no mail reader's page fits."""
    text = text.strip()
    if not text or len(text) > _MAX_SELECTOR:
        return None
    joints: list[str] = []
    compounds: list[Compound] = []
    at, weights = 0, [0, 0, 0]
    text = " " + text
    while at < len(text):
        match = _COMBINED.match(text, at)
        if match is None or match[1] in "+~" or len(compounds) == MAX_PARTS:
            return None
        compound = _compound(match[2], weights)
        if compound is None:
            return None
        joints.append(match[1])
        compounds.append(compound)
        at = match.end()
    is_child = tuple([joint == ">" for joint in joints[:0:-1]])
    return tuple(compounds[::-1]), is_child, (weights[0], weights[1], weights[2])


def _compound(text: str, weights: list[int]) -> Compound | None:
    tag, name, classes = "", "", set()
    attributes: list[tuple[str, str, str]] = []
    at = 0
    while at < len(text):
        match = _SIMPLE.match(text, at)
        if match is None or (match["tag"] and at):
            return None
        kind, value = match.lastgroup, match[0]
        if match["tag"]:
            tag = "" if value == "*" else value.lower()
            weights[2] += tag != ""
        elif kind == "id":
            name = match["id"]
            weights[0] += 1
        else:
            weights[1] += 1
            if kind == "class":
                classes.add(match["class"])
            elif kind == "pseudo":
                attributes += [("href", "", "")] if match["pseudo"] != "root" else []
                tag = "html" if match["pseudo"] == "root" else tag
            else:
                attributes.append((match["name"].lower(), match["how"] or "", _first(match)))
        at = match.end()
    is_simple = not (name or attributes)
    return Compound(tag, name.replace("\\", ""), frozenset(classes), tuple(attributes), is_simple)


def _first(match: re.Match[str]) -> str:
    return match["v1"] or match["v2"] or match["v3"] or ""


def key_of(compound: Compound) -> str:
    """Return what an element must have to fit: `#id`, `.class`, the tag, or `*`."""
    if compound.id:
        return f"#{compound.id}"
    if compound.classes:
        return f".{min(compound.classes)}"
    return compound.tag or "*"
