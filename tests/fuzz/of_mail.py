"""Targets: what a sender writes. Header fields, addresses, names, bodies, markup and style sheets."""

import re
from typing import Final

from sealgate.mail import colour, glyphs, quoting, skeleton, within
from sealgate.mail.address import (
    Address,
    AddressError,
    Mailbox,
    parse_address,
    parse_mailbox,
    parse_mailboxes,
    parse_path,
)
from sealgate.mail.bracketed import bracketed
from sealgate.mail.charset import to_text, to_utf8
from sealgate.mail.domain import normal_domain
from sealgate.mail.element import attributes_of, name_of, target_of
from sealgate.mail.enclosed import enclosed, is_report
from sealgate.mail.filed import read_filed
from sealgate.mail.folding import folded, has_long_line
from sealgate.mail.headers import Headers, decoded, decoded_with_fault, parse_block, unfolded
from sealgate.mail.lines import MAX_LINE, LineScan
from sealgate.mail.mime import Limits, Splitter
from sealgate.mail.namesakes import Known
from sealgate.mail.reply import Reply, printable
from sealgate.mail.selector import selector_of
from sealgate.mail.sheet import medium, read_sheet
from sealgate.mail.style import declared, size_of, style_of
from sealgate.mail.template_proof import prove
from sealgate.mail.template_sample import Sample
from sealgate.mail.transfer import decode_base64, decode_quoted_printable
from sealgate.mail.visible import View, is_heavy, read_html, read_plain
from sealgate.seal.canonical import relaxed_field
from tests.fuzz.target import must, same

_CHARSETS: Final = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "gb18030", "utf-16", "iso-2022-jp", "utf-7", "x")
_KNOWN: Final = Known(("Anna Example", "Example Bank", "Jürgen von der Mühle", "IT", "Kundendienst"))
_WHITE: Final = (255, 255, 255, 1.0)
_BLANKS: Final = re.compile(rb"[ \t\r\n]")


def headers(data: bytes) -> None:
    """The index of a header block is what looking through it finds; no reading of a field raises or adds to it."""
    block = parse_block(data.split(b"\r\n"))
    _indexed(block)
    for each in block.fields[:64]:
        must(len(unfolded(each.value)) <= len(each.value), each)
        decoded(each.value)
        must(relaxed_field(b"X", each.value).count(b"\n") == 1, each)
        if has_long_line(each.name, each.value):
            again = folded(each.name, each.value)
            if again is not None:
                same(_BLANKS.sub(b"", again), _BLANKS.sub(b"", each.value), each)
                must(not has_long_line(each.name, again), MAX_LINE, again)
    filed = read_filed(data)
    if filed is not None:
        _indexed(filed.headers)
        is_report(filed)
        enclosed(filed)


def _indexed(block: Headers) -> None:
    same(block.keys, tuple(each.key for each in block.fields))
    for key in set(block.keys) | {b"from", b"x"}:
        found = tuple(each for each in block.fields if each.key == key)
        same(block.every(key), found, key)
        same(block.text(key), decoded(found[0].value) if found else "", key)
        if len(block.keys) > 500:
            break  # the square is this check's own


def address(data: bytes) -> None:
    """What is read as an address is read as the same one again, however it is put."""
    for read in (parse_address, parse_path):
        try:
            found = read(data)
        except AddressError as error:
            must(str(error).isprintable(), str(error))
            continue
        _is_one(found)
        same(parse_path(b"<" + str(found).encode() + b">"), found)
    try:
        boxes: tuple[Mailbox, ...] = parse_mailboxes(data)
    except AddressError:
        boxes = ()
    try:
        box = parse_mailbox(data)
    except AddressError:
        must(len(boxes) != 1, boxes)
    else:
        same(boxes, (box,))
    for box in boxes:
        _is_one(box.address)
        must(not glyphs.hidden_in(box.name + box.comment), box)
        within.addresses_within(box.name)


def _is_one(found: Address) -> None:
    again = str(found).encode()
    same(parse_address(again), found)
    same(parse_mailbox(again), Mailbox("", found))
    same(parse_mailbox(b"<" + again + b">").address, found)
    same(normal_domain(found.domain), found.domain)


def words(data: bytes) -> None:
    """Encoded-words and charsets: whatever is declared, there is a text, and it is at most so long."""
    text, _ = decoded_with_fault(data)
    same(text, decoded(data))
    must(len(text) <= 2 * len(data) + 2, text)
    label, _, content = data.partition(b"\0")
    name = label[:40].decode("latin-1")
    same(to_utf8(content, name).decode("utf-8", "replace"), to_text(content, name), name)


def names(data: bytes) -> None:
    """What a name is drawn like, whom it could be taken for, and what may be shown of it."""
    text = data.decode("utf-8", "replace")
    shown = printable(text)
    must(shown.isascii() and shown.isprintable() and "%" not in shown and len(shown) <= 120, shown)
    if shown:
        Reply("550", "5.7.1", shown)
    for read in (glyphs.hidden_in, glyphs.drawn, skeleton.skeleton, skeleton.bare, skeleton.phrase):
        read(text)
    must(skeleton.alike(text, text) or not skeleton.readings(text), text)
    for many in (skeleton.readings, skeleton.phrases, skeleton.domain_keys):
        many(text)
    for found in within.addresses_within(text):
        must("@" in found and found == found.lower(), found)
    must(all(0 <= place < 5 for place in _KNOWN.borne_in(text[:2_000])), text)
    quotes = quoting.quotes_of(text)
    must(list(quotes) == sorted(quotes) and all(0 <= a < b <= len(text) for a, b in quotes), quotes)


def lists(data: bytes) -> None:
    """List fields: what is named is a URI without blanks or brackets, or there is a fault."""
    found = bracketed(data)
    must(all(uri and not re.search(r"[\s<>]", uri) for uri in found.uris), found)
    must(found.fault.isprintable(), found)


def mime(data: bytes) -> None:
    """A body cut into chunks anywhere is split as the whole one is, and the line ends are seen alike."""
    cut = 1 + int.from_bytes(data[:2], "big") % 97
    head, _, body = data[2:].partition(b"\r\n\r\n")
    block = parse_block(head.split(b"\r\n"))
    small = Limits(part_octets=300, text_octets=500, parts=9, depth=4, part_header_octets=200, header_octets=600)
    for limits in (Limits(), small):
        whole, cuts = Splitter(block, limits), Splitter(block, limits)
        whole.feed(body)
        for chunk in _chunks(body, cut):
            cuts.feed(chunk)
            must(cuts.held <= limits.text_octets + len(body) + 1, cuts.held)
        found = whole.finish()
        same(found, cuts.finish(), cut)
        same(found.size, len(body))
        must(sum(len(part.content) for part in found.parts) <= limits.text_octets, found)
    one, many = LineScan(), LineScan()
    one.feed(body)
    for chunk in _chunks(body, cut):
        many.feed(chunk)
    same(one.finish(), many.finish(), cut)
    must(len(decode_quoted_printable(body)) <= len(body) and len(decode_base64(body)[0]) <= len(body), body)


def _chunks(body: bytes, size: int) -> list[bytes]:
    size = max(size, len(body) // 512)
    return [body[at : at + size] for at in range(0, len(body), size)]


def html(data: bytes) -> None:
    """Whatever markup says, there is a view, and all its offsets are of its text."""
    charset, part = _CHARSETS[data[0] % len(_CHARSETS)] if data else "utf-8", data[1:]
    _is_view(read_plain(part, charset))
    if not is_heavy(part):
        _is_view(read_html(part, charset))


def _is_view(view: View) -> None:
    end = len(view.text)
    for link in view.links:
        same(view.text[link.offset : link.offset + len(link.text)], link.text, link)
        must(0 <= link.offset <= end, link, end)
    must(all(0 <= each.start < each.end <= end for each in view.looks), view.looks, end)
    must(all(0 <= a < b <= end for a, b in view.quotes), view.quotes, end)
    same(sorted(view.quotes), list(view.quotes))


def template(data: bytes) -> None:
    """What a template says of a part is what reading it says: constants between NULs, then values between SOHs."""
    charset = ("utf-8", "us-ascii", "iso-8859-1", "gb18030", "x")[data[0] % 5] if data else "utf-8"
    *constants, last = data[1:].split(b"\0")
    end, *values = last.split(b"\1")
    pieces = (*constants[:8], end)
    part = _filled(pieces, [b"Anna%d" % n for n in range(8)])
    if len(pieces) < 2 or is_heavy(part):
        return
    proven = prove(pieces, charset, part, read_html(part, charset))
    sample = Sample.of(part)
    other = _filled(pieces, [b"Jo%dx" % n for n in range(8)])
    met = sample.met(other) if sample is not None else None
    learnt = None if met is None or is_heavy(other) else prove(met[1], charset, other, read_html(other, charset))
    for start in range(min(len(values), 6)):
        content = _filled(pieces, [values[(start + n) % len(values)] for n in range(8)])
        for made in (proven, learnt):
            view = made.read(content) if made is not None else None
            if view is not None:
                must(not is_heavy(content), content)
                same(view, read_html(content, charset), content)


def _filled(pieces: tuple[bytes, ...], values: list[bytes]) -> bytes:
    out = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=False):
        out += value, piece
    return b"".join(out)


def style(data: bytes) -> None:
    """Style sheets, declarations, selectors, sizes, colours, tags."""
    text = data.decode("utf-8", "replace")
    read_sheet(text)
    weak, strong = declared(text)
    style_of({**weak, **strong})
    selector_of(text)
    medium(text)
    size_of(text)
    for drawn in (colour.colour_of(text), colour.legacy_colour(text)):
        if drawn is not None:
            ground = colour.over(drawn, _WHITE)
            must(1 <= colour.contrast(drawn, ground) <= 21, drawn)
    attributes_of(f"<a {text}>")
    name_of(f"<{text}>")
    target_of(text)
