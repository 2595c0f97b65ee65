"""Octets to text, by the charset that a sender declared.

Labels are looked up in a fixed table, in the spirit of the WHATWG Encoding Standard 4.2: what senders call latin-1 is
read as windows-1252, as every mail reader does. Python's own codec registry is never asked for a label that came with
a message: it imports modules by name, remembers every miss for good, and knows codecs (`punycode`, `unicode_escape`,
`utf-7`) that are slow or give text which cannot be encoded again. Nothing here raises.
"""

from types import MappingProxyType
from typing import Final

# Python codec: labels that mean it, besides the codec's own name. Spelling is compared by `_folded`.
_LABELS: Final = {
    # RFC 1428 3 names `unknown-8bit` for octets whose charset nobody knows: read like those that declare none.
    "ascii": "us-ascii ansi_x3.4-1968 iso646-us iso-ir-6 us 646 7bit unknown-8bit x-unknown",
    "utf-8": "utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 cp65001 utf8mb4",
    "utf-16-le": "utf-16le utf16le",
    "utf-16-be": "utf-16be utf16be",
    "utf-16": "utf16 unicode ucs-2 iso-10646-ucs-2",
    "cp1252": "windows-1252 iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 latin-1 l1 cp819 ibm819 x-cp1252 ansi",
    "cp1250": "windows-1250 x-cp1250",
    "cp1251": "windows-1251 x-cp1251",
    "cp1253": "windows-1253 x-cp1253",
    "cp1254": "windows-1254 x-cp1254 iso-8859-9 iso8859-9 latin5 l5",
    "cp1255": "windows-1255 x-cp1255",
    "cp1256": "windows-1256 x-cp1256",
    "cp1257": "windows-1257 x-cp1257",
    "cp1258": "windows-1258 x-cp1258",
    "cp874": "windows-874 tis-620 iso-8859-11 iso8859-11 dos-874",
    "cp866": "ibm866 866",
    "iso8859-2": "iso-8859-2 latin2 l2",
    "iso8859-3": "iso-8859-3 latin3 l3",
    "iso8859-4": "iso-8859-4 latin4 l4",
    "iso8859-5": "iso-8859-5 cyrillic",
    "iso8859-6": "iso-8859-6 arabic asmo-708 iso-8859-6-i iso-8859-6-e",
    "iso8859-7": "iso-8859-7 greek greek8 sun_eu_greek",
    "iso8859-8": "iso-8859-8 hebrew visual iso-8859-8-i iso-8859-8-e logical",
    "iso8859-10": "iso-8859-10 latin6 l6",
    "iso8859-13": "iso-8859-13",
    "iso8859-14": "iso-8859-14",
    "iso8859-15": "iso-8859-15 latin9 latin-9 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "koi8 koi cskoi8r",
    "koi8-u": "koi8-ru",
    "mac-roman": "macintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gbk gb2312 gb_2312-80 cp936 ms936 x-gbk euc-cn chinese windows-936",
    "hz": "hz-gb-2312",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5 cp950 windows-950",
    "euc_jp": "euc-jp x-euc-jp",
    "iso2022_jp_2": "iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 csiso2022jp",
    "cp932": "shift_jis shift-jis sjis x-sjis ms932 windows-31j ms_kanji",
    "cp949": "euc-kr euckr ks_c_5601-1987 ksc5601 korean windows-949 uhc",
}


def _folded(label: str) -> str:
    return label.strip(" \t\r\n\"'").lower().replace("_", "-")


_CODECS: Final = MappingProxyType(
    {_folded(label): codec for codec, labels in _LABELS.items() for label in (codec, *labels.split())}
)

_BOM: Final = b"\xef\xbb\xbf"  # of UTF-8
# Codecs in which octets below 128 alone may mean something else than ASCII.
_NOT_OVER_ASCII: Final = frozenset({"utf-16", "utf-16-le", "utf-16-be", "hz", "iso2022_jp_2"})
# UTF-16 has no place in header fields (RFC 2781 4.1), few read HZ any more: to the rest their octets are ASCII.
NOT_FOR_FIELDS: Final = frozenset({"utf-16", "utf-16-le", "utf-16-be", "hz"})


def codec_of(label: str) -> str | None:
    """Return the name of the Python codec for a declared charset, or None where the label is unknown."""
    return _CODECS.get(_folded(label))


def to_text(content: bytes, label: str) -> str:
    """Read `content` as the charset `label` says; the text can always be encoded as UTF-8.

    What cannot be read becomes U+FFFD. Nothing declared, `us-ascii` and unknown labels mean UTF-8 where the octets are
    that, else windows-1252. A byte order mark is taken off, and decides where it is the one of UTF-8.
    """
    if content.startswith(_BOM):
        return content[3:].decode("utf-8", "replace")
    codec = _CODECS.get(_folded(label), "ascii")
    if codec != "ascii":
        return content.decode(codec, "replace").removeprefix("\ufeff")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def to_utf8(content: bytes, label: str) -> bytes:
    """Bring `content` to UTF-8, as `to_text` reads it. Good UTF-8, as most mail is, is not copied."""
    codec = _CODECS.get(_folded(label), "ascii")
    if codec in ("utf-8", "ascii"):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return content.removeprefix(_BOM)
    elif content.isascii() and codec not in _NOT_OVER_ASCII:
        return content
    return to_text(content, label).encode("utf-8")
