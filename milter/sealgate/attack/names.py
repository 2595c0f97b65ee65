"""Display names: most readers show nothing else of the author."""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Needs, Shape, hostile

_ADDRESSES: Final = hostile(
    "display names",
    ("name-address", b'From: "{victim}" <{own}>\r\n', "The name is the victim's address."),
    ("name-address-bare", b"From: {victim} <{own}>\r\n", "The same without quotes."),
    ("name-address-angle", b'From: "<{victim}>" <{own}>\r\n', "The name is the victim's address in brackets."),
    ("name-mailbox", b'From: "{victim_name} <{victim}>" <{own}>\r\n', "The name is a whole mailbox."),
    ("name-mailbox-pad", b'From: "{victim_name} <{victim}>' + b" " * 120 + b'" <{own}>\r\n',
     "Blanks push the own address out of sight."),
    ("name-mailbox-nbsp", b'From: "{victim}' + b"\xc2\xa0" * 80 + b'" <{own}>\r\n', "No-break spaces do the same."),
    ("name-mailbox-folds", b'From: "{victim}' + b"\r\n " * 30 + b'" <{own}>\r\n', "Folds do the same."),
    ("name-encoded", b"From: =?utf-8?Q?{victim_q}?= <{own}>\r\n", "The name is the victim's address, encoded."),
    ("name-encoded-b", b"From: =?utf-8?B?{victim_b64}?= <{own}>\r\n", "The same in base64."),
    ("name-encoded-pad", b"From: =?utf-8?Q?{victim_q}" + b"=C2=A0" * 8 + b"?= <{own}>\r\n", "Encoded and padded."),
    ("name-wide-at", b'From: "{victim_local}\xef\xbc\xa0{victim_domain}" <{own}>\r\n', "A full-width @ in the name."),
    ("name-small-at", b'From: "{victim_local}\xef\xb9\xab{victim_domain}" <{own}>\r\n', "A small @ in the name."),
    ("name-wide", b'From: "{victim_wide}" <{own}>\r\n', "The whole address in full-width letters."),
    ("name-wide-encoded", b"From: =?utf-8?Q?{victim_local}=EF=BC=A0{victim_domain}?= <{own}>\r\n", "That, encoded."),
    ("name-soft", b'From: "{victim_soft}" <{own}>\r\n', "Soft hyphens break the address up for a search."),
    ("name-spaced-at", b'From: "{victim_local} @ {victim_domain}" <{own}>\r\n', "Blanks around the @."),
    ("name-at-word", b'From: "{victim_local} (at) {victim_domain}" <{own}>\r\n', "People read `(at)` as @."),
    ("name-two", b'From: "{own}, {victim}" <{own}>\r\n', "The own address and the victim's in the name."),
    ("name-joiner", b'From: "{victim_local}\xe2\x81\xa0@{victim_domain}" <{own}>\r\n', "A word joiner before the @."),
    ("name-escapes", b'From: "{victim_local}\\@{victim_domain}" <{own}>\r\n', "The @ is escaped."),
    ("name-mailto", b'From: "mailto:{victim}" <{own}>\r\n', "A link to the victim as a name."),
)  # fmt: skip
_FOREIGN: Final = tuple(
    replace(shape, needs=Needs.FOREIGN_NAMES)
    for shape in hostile(
        "display names",
        ("name-elsewhere", b'From: "president@{elsewhere}" <{own}>\r\n', "The name is an address of another domain."),
    )
)
_NAMES: Final = tuple(
    replace(shape, needs=Needs.PROTECTED)
    for shape in hostile(
        "protected names",
        ("prot-plain", b"From: {victim_name} <{own}>\r\n", "The victim's name before the own address."),
        ("prot-quoted", b'From: "{victim_name}" <{own}>\r\n', "The same in quotes."),
        ("prot-upper", b"From: {victim_name_upper} <{own}>\r\n", "The same in capitals."),
        ("prot-reversed", b'From: "{victim_last}, {victim_first}" <{own}>\r\n', "Last name first."),
        ("prot-encoded", b"From: =?utf-8?B?{victim_name_b64}?= <{own}>\r\n", "The same, encoded."),
        ("prot-encoded-q", b"From: =?utf-8?Q?{victim_name_q}?= <{own}>\r\n", "The same, quoted-printable."),
        ("prot-split", b"From: {victim_first} =?utf-8?Q?{victim_last}?= <{own}>\r\n", "Half of it encoded."),
        ("prot-lookalike", b"From: {victim_name_lookalike} <{own}>\r\n", "Cyrillic for Latin letters."),
        ("prot-wide", b"From: {victim_name_wide} <{own}>\r\n", "Full-width letters."),
        ("prot-bold", b'From: "{victim_name_bold}" <{own}>\r\n', "Mathematical bold letters."),
        ("prot-soft", b'From: "{victim_name_soft}" <{own}>\r\n', "Soft hyphens between the letters."),
        ("prot-nbsp", b"From: {victim_first}\xc2\xa0{victim_last} <{own}>\r\n", "A no-break space in the name."),
        ("prot-blanks", b'From: "{victim_first}   {victim_last}" <{own}>\r\n', "More blanks than one."),
        ("prot-dot", b'From: "{victim_first}.{victim_last}" <{own}>\r\n', "A dot for the blank."),
        ("prot-comment", b"From: {own} ({victim_name})\r\n", "Readers show the comment as the name."),
        ("prot-suffix", b'From: "{victim_name} (via phone)" <{own}>\r\n', "With a remark behind."),
        ("prot-title", b'From: "Dr. {victim_name}, CEO" <{own}>\r\n', "With titles around."),
        ("prot-sender", b"From: {own}\r\nSender: {victim_name} <{own}>\r\n", "As the name in Sender."),
    )
)
_BRAND: Final = tuple(
    replace(shape, needs=Needs.BRAND)
    for shape in hostile(
        "protected names",
        ("brand-plain", b"From: {brand} <{own}>\r\n", "A department's name before a person's address."),
        ("brand-suffix", b'From: "{brand} - do not reply" <{own}>\r\n', "With a remark behind."),
    )
)
SHAPES: Final[tuple[Shape, ...]] = _ADDRESSES + _FOREIGN + _NAMES + _BRAND
