"""Whether a view can be told from the values alone: trials that give a `Template`, or refuse it.

The document is read once with a marker in the place of each value. Where each marker comes out of the parser says what
kind of place that is; where it comes out of the view says what it changes. What the argument in `template` does not
cover is refused. Then the template must agree with `read_html` on values as long and as awkward as any that it takes,
and on short ones. Nothing here raises. A proof costs about as much as five readings.
"""

import re
from typing import Final

from sealgate.mail.charset import codec_of, to_utf8
from sealgate.mail.element import EVENT, attributes_of
from sealgate.mail.flow import Flow
from sealgate.mail.quoting import may_quote
from sealgate.mail.sheet import read_sheet
from sealgate.mail.shown import MAX_UNSEEN, Shown, shown_in, shown_of
from sealgate.mail.template import MAX_VALUE, STOP_OCTETS, Gaps, Kinds, Place, Template
from sealgate.mail.tree import Document, comments_around, read_document
from sealgate.mail.visible import HEAVY_TAGS, View, is_heavy, view_of

MAX_PLACES: Final = 200
_STEM: Final = "QzPlace"  # letters and digits: what the template takes anywhere
_MARKER = re.compile(f"{_STEM}([0-9]{{3}})zQ")
_MARKER_LENGTH: Final = len(_STEM) + 5
_ALLOWED: Final = (("<a ", ("href",)), ("<img ", ("src", "alt")))
_TOO_MANY_CLONES: Final = 4  # the parser leaves two equal `a` open only after eight clones (HTML 13.2.6.4.7)

# What a value must not follow: the begin of a reference (`&am`), of a tag, a declaration, a CDATA section (`<![C`).
_IN_REFERENCE = re.compile("[#0-9A-Za-z]*")
_IN_REFERENCE_OCTETS = re.compile(rb"[#0-9A-Za-z]*")
_IN_OPENING = re.compile(rb"[-/!?\[0-9A-Za-z]*")
_A_TAG = re.compile(rb"<[aA](?=[\s/>])")
_NUMBERED = re.compile(r'\A<a qzplace="(\d+)"')

_BOM: Final = b"\xef\xbb\xbf"
_ONE_OCTET: Final = ("cp125", "cp866", "cp874", "iso8859-", "koi8-", "mac-")  # begins of codecs: an octet is a letter
_OVER_ASCII: Final = frozenset({"gb18030", "big5hkscs", "euc_jp", "cp932", "cp949"})

# Values for the trial, of text, of attributes and of comments: the longest, and such as are awkward where not allowed.
_LONG: Final = (
    ("x;y #4 \"z' =- " * MAX_VALUE)[: MAX_VALUE - 3] + "end",
    ("x=y/;?#:%--!" * MAX_VALUE)[: MAX_VALUE - 1] + "=",
    ("a--!-b;]]x=" * MAX_VALUE)[: MAX_VALUE - 1] + "9",
)
_SHORT: Final = ("7b", "-", "0")


def prove(constants: tuple[bytes, ...], charset: str, part: bytes, view: View) -> Template | None:
    """Make a template of what two parts have in common.

    Args:
        constants: that, in order; between each and the next the parts differ.
        charset: of the parts, as declared.
        part: one of them, not heavy.
        view: what `read_html` says of it.

    Returns:
        The template, or None where it cannot be shown that the view follows from the values.
    """
    places = len(constants) - 1
    if not 0 < places <= MAX_PLACES or not all(constants[1:]) or _STEM.encode() in b"".join(constants):
        return None
    is_wide = codec_of(charset) in (None, "ascii", "utf-8")
    if not (all(map(_is_utf8, constants)) if is_wide else _is_read_apart(constants, charset)):
        return None
    marked = _filled(constants, [f"{_STEM}{number:03}zQ" for number in range(places)])
    if not _are_free(marked) or is_heavy(marked):
        return None
    source = to_utf8(marked, charset)
    document = read_document(source)
    shown = shown_in(document)  # no document with what is drawn or parsed in ways of its own
    kinds = _kinds(source, document, places) if shown is not None and not shown.is_cut else None
    if shown is None or kinds is None or _has_clones(source):
        return None
    gaps = _gaps(shown)
    if gaps is None:
        return None
    octets = 6 * len(marked) + 200 * (len(gaps.titles) + places)
    others = tuple([(constant[:STOP_OCTETS], constant) for constant in constants[1:]])
    attributes = sum(constant.count(b"=") for constant in constants)
    template = Template(constants[0], others, kinds, is_wide, attributes, gaps, octets)
    return template if template.read(part) == view and _agrees(template, constants, charset) else None


def _filled(constants: tuple[bytes, ...], values: list[str]) -> bytes:
    out = [constants[0]]
    for value, constant in zip(values, constants[1:], strict=True):
        out += value.encode("ascii"), constant
    return b"".join(out)


def _is_utf8(constant: bytes) -> bool:
    try:
        constant.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_read_apart(constants: tuple[bytes, ...], charset: str) -> bool:
    """Whether ASCII between constants that are not UTF-8 is read as such, and they as if it were not there."""
    codec = codec_of(charset) or ""
    if codec.startswith(_ONE_OCTET):
        return not constants[0].startswith(_BOM)
    return codec in _OVER_ASCII and all(constant.isascii() for constant in constants)


def _are_free(marked: bytes) -> bool:
    """Whether no value follows what it could become a part of."""
    at = marked.find(_STEM.encode())
    while at >= 0:
        for begin, pattern in (
            (marked.rfind(b"&", 0, at), _IN_REFERENCE_OCTETS),
            (marked.rfind(b"<", 0, at), _IN_OPENING),
        ):
            if begin >= 0 and pattern.fullmatch(marked, begin + 1, at):
                return False
        at = marked.find(_STEM.encode(), at + 1)
    return True


def _kinds(source: bytes, document: Document, places: int) -> Kinds | None:
    """Look where in the document the markers stand; None where one stands where it must not, or more than once."""
    has_targets = bool(document.css) and read_sheet(document.css).has_targets
    text: list[int] = []
    attributes: set[int] = set()
    comments: list[int] = []
    for at, piece in enumerate(document.pieces):
        if _STEM not in piece:
            continue
        numbers = [int(number) for number in _MARKER.findall(piece)]
        if at % 2 == 0:
            text += numbers
        elif piece.startswith("<!--"):
            comments += numbers
        elif has_targets or not _is_in_value(piece, len(numbers)):
            return None
        else:
            attributes.update(numbers)
    if len(text) + len(attributes) + len(comments) < places:
        for comment in comments_around(source):
            comments += map(int, _MARKER.findall(comment))
    found = sorted([*text, *attributes, *comments])  # each once, and all of them
    return Kinds(tuple(text), tuple(attributes), tuple(comments)) if found == list(range(places)) else None


def _is_in_value(tag: str, count: int) -> bool:
    """Whether all markers of a tag stand in the values of attributes that change nothing but themselves."""
    if '"=' in tag:
        return False
    for begin, names in _ALLOWED:
        if tag.startswith(begin):
            written = attributes_of(tag)
            return sum(len(_MARKER.findall(written.get(name, ""))) for name in names) == count == tag.count(_STEM)
    return False


def _has_clones(source: bytes) -> bool:
    """Whether the parser makes many of one `a`, so that more than one may be open and they may be compared."""
    number = iter(range(HEAVY_TAGS + 1))
    numbered = _A_TAG.sub(lambda _: b'<a qzplace="%d"' % next(number), source)
    counts: dict[str, int] = {}
    for tag in read_document(numbered).pieces[1::2]:
        if match := _NUMBERED.match(tag):
            counts[match[1]] = counts.get(match[1], 0) + 1
    return max(counts.values(), default=0) >= _TOO_MANY_CLONES


def _gaps(shown: Shown) -> Gaps | None:
    """Turn the view of the marked document into one with places."""
    flow = Flow(shown)
    view = view_of(shown, flow)
    text = view.text
    in_text = [int(number) for number in _MARKER.findall(text)]
    lines = text.split("\n")
    varied = [line for line in lines if _STEM in line]
    constant = [line for line in lines if _STEM not in line]
    texts = [text, view.unseen, view.alternatives, "\n".join(varied), *(link.href for link in view.links)]
    if _is_in_reference(text) or any(EVENT in each for each in texts):
        return None
    pieces = _MARKER.split(EVENT.join(texts))
    runs = [_run(text, link.offset, link.offset + len(link.text)) for link in view.links]
    return Gaps(
        tuple(pieces[::2]),
        tuple(map(int, pieces[1::2])),
        tuple(in_text),
        tuple([link.text for link in view.links]),
        tuple([(number, *runs[number]) for number, link in enumerate(view.links) if _STEM in link.text]),
        tuple([begin for begin, _ in runs]),
        tuple([(*_run(text, look.start, look.end), look.size, look.contrast) for look in view.looks]),
        tuple([_run(text, begin, end) for begin, end in flow.quotes]),
        view.is_doubtful,
        may_quote("\n".join(constant), constant),
    )


def _is_in_reference(text: str) -> bool:
    """Whether a value follows the begin of a reference that was encoded twice (see `flow.without_references`)."""
    for match in _MARKER.finditer(text):
        begin = text.rfind("&", 0, match.start())
        if begin >= 0 and _IN_REFERENCE.fullmatch(text, begin + 1, match.start()):
            return True
    return False


def _run(text: str, begin: int, end: int) -> tuple[Place, Place]:
    return _place(text, begin), _place(text, end)


def _place(text: str, offset: int) -> Place:
    count = text.count(_STEM, 0, offset)
    return offset - _MARKER_LENGTH * count, count


def _agrees(template: Template, constants: tuple[bytes, ...], charset: str) -> bool:
    """Whether the template says what `read_html` says, of the longest values and of short ones."""
    for texts, attributes, comments in (_LONG, _SHORT):
        values = [attributes] * (len(constants) - 1)
        for number in template.kinds.text:
            values[number] = texts
        for number in template.kinds.comments:
            values[number] = comments
        part = _filled(constants, values)
        shown = shown_of(to_utf8(part, charset))
        view = view_of(shown, Flow(shown))
        if template.filled(values) != view or not _has_room(shown, view):
            return False
    return True


def _has_room(shown: Shown, view: View) -> bool:
    """Whether nothing was cut of what is cut at a number of characters: the rest depends on how long values are."""
    runs = (shown.unseen, shown.alternatives)
    lengths = [sum(map(len, some)) for some in runs] + [len(view.unseen), len(view.alternatives)]
    return max(lengths) < MAX_UNSEEN
