"""What CSS declarations say of whether and how a text is drawn, and nothing else of CSS.

`declared` reads a declaration list, from a `style` attribute or a rule; later ones win, and what a browser would drop
for its syntax is dropped. `style_of` makes a `Style` of what the cascade left. Nothing here raises; time is linear in
the declarations.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from sealgate.mail.colour import Colour, colour_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FAR: Final = -999.0  # pixels from the left or top edge
DEFAULT_SIZE: Final = 16.0
_CACHED: Final = 2_000  # characters; longer declarations are not kept

Declared = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The values of the plain declarations and of the `!important` ones, by property."""

_COMMENT = re.compile(r"/\*(?s:.*?)(?:\*/|\Z)")
_PIECE = re.compile(r"(?:[^;\"'(]++|\"[^\"]*+\"?|'[^']*+'?|\([^)]*+\)?)+")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|([^\r\n\f]))")
_LENGTH = re.compile(r"([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))(px|pt|em|rem|%|in|cm|mm|pc|ex|ch|)\Z")
_FONT_SIZE = re.compile(
    r"(?:^|[ \t\r\n])([\d.]{1,12}(?:px|pt|r?em|%|in|cm|mm|pc|ex|ch)|0(?=[/ \t\r\n])|[a-z-]{5,8})(?=[/ \t\r\n]|\Z)"
)
_UNITS: Final = MappingProxyType(
    {"px": 1.0, "": 1.0, "pt": 4 / 3, "rem": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "pc": 16.0}
)
_SHARES: Final = MappingProxyType({"em": 1.0, "%": 0.01, "ex": 0.5, "ch": 0.5})
_SIZE_WORDS: Final = MappingProxyType(
    {
        "xx-small": (9.0, False),
        "x-small": (10.0, False),
        "small": (13.0, False),
        "medium": (16.0, False),
        "large": (18.0, False),
        "x-large": (24.0, False),
        "xx-large": (32.0, False),
        "xxx-large": (48.0, False),
        "smaller": (5 / 6, True),
        "larger": (1.2, True),
        "initial": (16.0, False),
    }
)
_INHERITED: Final = frozenset({"inherit", "unset", "revert", "revert-layer"})
_DISPLAYS: Final = _words(
    "none block inline inline-block table inline-table table-row table-cell table-row-group table-header-group"
    " table-footer-group table-column table-column-group table-caption flex inline-flex grid inline-grid list-item"
    " flow-root contents run-in ruby -webkit-box -webkit-inline-box initial inherit unset revert revert-layer"
)
_SIDES: Final = ("max-height", "height", "max-width", "width")
_TABLE: Final = _words("table tbody thead tfoot tr td th")
_INLINE: Final = _words("a abbr b bdi bdo big cite code em font i ins label q s small span strike strong sub sup u")

Size = tuple[float, bool]
"""A font size: pixels, or a share of the parent's where the second is true."""


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """What an element's styles change. None: nothing, the parent's holds. Compared by identity, to serve as a key.

    Attributes:
        is_gone: the element and all it holds is not drawn.
        is_visible: whether its letters are (`visibility`); a child may say otherwise.
        size: font size.
        colour, ground: of letters and background; `has_colour` and `has_ground` tell None as "cannot be told" apart.
        is_doubtful: some readers are shown it, and others are not.
    """

    is_gone: bool = False
    is_visible: bool | None = None
    size: Size | None = None
    has_colour: bool = False
    colour: Colour | None = None
    has_ground: bool = False
    ground: Colour | None = None
    is_doubtful: bool = False


# One object for one meaning, so that what children inherit of it is worked out once.
_style = lru_cache(maxsize=2048)(Style)


def doubtful(style: Style | None) -> Style:
    """Return the same style, shown to some readers only."""
    return _style(is_doubtful=True) if style is None else replace(style, is_doubtful=True)


def size_of(value: str) -> Size | None:
    """Read a font size; None where it is no length that can be told."""
    if value in _SIZE_WORDS:
        return _SIZE_WORDS[value]
    match = _LENGTH.match(value)
    if match is None or match[1][0] == "-":
        return None
    number, unit = float(match[1]), match[2]
    return (number * _SHARES[unit], True) if unit in _SHARES else (number * _UNITS[unit], False)


def _pixels(value: str) -> float | None:
    match = _LENGTH.match(value)
    if match is None or (match[2] == "%" and float(match[1])):  # a share of what only a layout would tell
        return None
    return float(match[1]) * (_UNITS.get(match[2]) or DEFAULT_SIZE * _SHARES[match[2]])


def _font(value: str) -> Size | None:
    for match in _FONT_SIZE.finditer(value):
        if size := size_of(match[1]):
            return size
    return None


def _opacity(value: str) -> float | None:
    match = _LENGTH.match(value)
    return float(match[1]) * (0.01 if match[2] == "%" else 1.0) if match and match[2] in ("", "%") else None


def _background(value: str) -> tuple[Colour | None, bool]:
    """Return the colour of a `background`, None where there is none, and whether a picture lies over it."""
    has_picture = "url(" in value or "gradient(" in value or "var(" in value or "image" in value
    whole = colour_of(value)
    if whole is not None or not any(c in value for c in " ,("):
        return whole, has_picture
    for word in re.findall(r"[a-z]{3,4}\([^()]*+\)|[^\s,()]++", value):
        found = colour_of(word)
        if found is not None:
            return found, has_picture
    return None, has_picture


# Properties that can take away what they are put on, and the values that do: scaled or clipped to nothing, moved far
# out, wholly transparent. Some clients know them and some do not: what some readers are not shown is not shown.
_VANISHING: Final = ("transform", "clip-path", "filter", "zoom")
_VANISHED = re.compile(
    r"^0(?:\.0*)?%?$|scale[xy3d]*\( ?0(?:\.0+)?[ ,)]|translate[xy3d]*\([^()]{0,40}?-\d{4,6}"
    r"|opacity\( ?0(?:\.0+)?%?[ ,)]|inset\( ?(?:50|100)%|circle\( ?0"
)
# Property: what reads its value, and the key under which the cascade finds it. A reader's None drops the declaration.
_READERS: Final = MappingProxyType(
    {
        "display": lambda v: v if v in _DISPLAYS or (" " in v and v.split()[0] in _DISPLAYS) else None,
        "visibility": lambda v: v if v in ("hidden", "collapse", "visible") or v in _INHERITED else None,
        "opacity": _opacity,
        "font-size": lambda v: "inherit" if v in _INHERITED else size_of(v),
        "font": _font,
        "color": lambda v: "inherit" if v in _INHERITED else colour_of(v) or ("unknown" if "(" in v else None),
        "background-color": lambda v: colour_of(v) or ("unknown" if "var(" in v else "none"),
        "background": _background,
        "background-image": lambda v: v not in ("none", "initial", "unset"),
        "overflow": lambda v: v.split()[0] in ("hidden", "clip"),
        "position": lambda v: v in ("absolute", "fixed", "relative"),
        **dict.fromkeys(_VANISHING, lambda v: _VANISHED.search(v) is not None),
        **dict.fromkeys((*_SIDES, "left", "top", "right", "margin-left", "margin-top", "text-indent"), _pixels),
    }
)
_SAME: Final = MappingProxyType({"font": "font-size", "overflow-x": "overflow", "overflow-y": "overflow"})


def declared(text: str) -> Declared:
    """Read a declaration list."""
    return _kept(text) if len(text) <= _CACHED else _declared(text)


def _declared(text: str) -> Declared:
    if "/*" in text:
        text = _COMMENT.sub(" ", text)
    is_quoted = '"' in text or "'" in text or "(" in text
    weak: dict[str, Any] = {}
    strong: dict[str, Any] = {}
    for piece in _PIECE.findall(text) if is_quoted else text.split(";"):
        name, colon, value = piece.partition(":")
        if "\\" in piece:
            name, value = _ESCAPE.sub(_character, name), _ESCAPE.sub(_character, value)
        name = name.strip().lower()
        name = _SAME.get(name, name) if name != "font" else name
        reader: Any = _READERS.get(name)
        if reader is None or not colon:
            continue
        value, is_important = _value(value)
        read = reader(value) if value else None
        if read is not None:
            _set(strong if is_important else weak, name, read)
    return weak, strong


_kept = lru_cache(maxsize=4096)(_declared)


def _character(match: re.Match[str]) -> str:
    if match[2]:
        return match[2]
    number = int(match[1], 16)
    return chr(number) if 0 < number < 0xD800 else "\ufffd"


def _value(value: str) -> tuple[str, bool]:
    value = value[:4_000].strip().lower()  # a longer one is a picture within the text
    head, mark, word = value.rpartition("!")
    if mark and word.strip() == "important":
        return head.rstrip(), True
    return value, False


def _set(values: dict[str, Any], name: str, value: Any) -> None:
    if name == "background":  # the shorthand sets both (CSS Backgrounds 3, 3.10)
        values["background-color"] = "none" if value[0] is None else value[0]
        values["background-image"] = value[1]
    else:
        values[_SAME.get(name, name)] = value


def style_of(values: Mapping[str, Any], name: str = "div") -> Style | None:
    """Make what the cascade left for an element of this name into a style, or None where nothing of it matters."""
    if not values:
        return None
    visibility, size, colour = values.get("visibility"), values.get("font-size"), values.get("color")
    ground, picture = values.get("background-color"), values.get("background-image", False)
    is_unknown = picture or ground == "unknown"
    has_ground = bool(is_unknown or (ground not in (None, "none") and ground[3] > 0))
    # Clients that show mail inside a page of their own drop `html` and `body` and show what was in them.
    is_page = name in ("html", "body")
    is_gone = not is_page and _is_gone(values, name)
    is_visible = None if is_page or visibility is None or visibility in _INHERITED else visibility == "visible"
    size = None if size == "inherit" else size
    has_colour = colour not in (None, "inherit")
    if is_visible is None and size is None and not (is_gone or has_colour or has_ground):
        return None
    colour = None if colour in ("inherit", "unknown") else colour
    return _style(
        is_gone, is_visible, size, has_colour, colour, has_ground, ground if has_ground and not is_unknown else None
    )


def _is_gone(values: Mapping[str, Any], name: str) -> bool:
    display = values.get("display", "inline" if name in _INLINE else "")
    if display == "none" or values.get("opacity", 1.0) < 0.05:
        return True
    has_box = display != "inline" and name not in _TABLE  # cells grow with what they hold (CSS 2.2, 17.5.3)
    if has_box and values.get("overflow") and any(values.get(side, 9.0) <= 1.0 for side in _SIDES):
        return True
    if values.get("position") and any(values.get(edge, 0.0) <= _FAR for edge in ("left", "top", "right")):
        return True
    if any(values.get(vanishing) for vanishing in _VANISHING):
        return True
    return any(values.get(edge, 0.0) <= _FAR for edge in ("text-indent", "margin-left", "margin-top"))
