"""Encoded-words (RFC 2047) where none may stand, and character sets that hide an address.

RFC 2047 5 forbids them within an addr-spec; programs that decode before they parse find another address there.
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Needs, Shape, hostile

# What such a word reads like is no address of anybody's here: gates that bind their own domains let it stand as a name.
_READ_AS_FOREIGN: Final = "ew-glued"
_WORDS: Final = hostile(
    "encoded-words",
    ("ew-whole", b"From: =?utf-8?B?{victim_b64}?=\r\n", "The whole address is encoded, and shown decoded."),
    ("ew-whole-q", b"From: =?utf-8?Q?{victim_q}?=\r\n", "The same, quoted-printable."),
    ("ew-mailbox", b"From: =?utf-8?B?{victim_mailbox_b64}?=\r\n", "Name and address are encoded together."),
    ("ew-angle", b"From: {victim_name} <=?utf-8?B?{victim_b64}?=>\r\n", "The address in the brackets is encoded."),
    ("ew-local", b"From: =?utf-8?B?{victim_local_b64}?=@{victim_domain}\r\n", "The local part is encoded."),
    ("ew-local-q", b"From: <=?utf-8?Q?{victim_local_q}?=@{victim_domain}>\r\n", "The same, quoted-printable."),
    ("ew-domain", b"From: {victim_local}@=?utf-8?Q?{victim_domain_q}?=\r\n", "The domain is encoded."),
    ("ew-at", b"From: {victim_local}=?utf-8?Q?=40?={victim_domain}\r\n", "Only the @ is encoded."),
    ("ew-comment-open", b"From: =?utf-8?Q?=28?={own}) <{victim}>\r\n", "Decoded, the own address is a comment."),
    ("ew-own-then-cut", b"From: {own}=?utf-8?Q?=00?=@{elsewhere}\r\n", "Decoded, a NUL ends the own address."),
    ("ew-local-extra", b"From: {own_local}=?utf-8?Q?=40{domain}=3E?=@{elsewhere}\r\n",
     "Decoded, the local part holds a whole own address and a bracket."),
    ("ew-crlf", b"From: =?utf-8?Q?{own_name}=0D=0AFrom:_{victim_q}?= <{own}>\r\n",
     "A program that decodes and writes the field anew makes a second From."),
    ("ew-lf", b"From: =?utf-8?B?eA0KRnJvbTogeA==?= <{victim}>\r\n", "An encoded line end, the victim behind."),
    ("ew-nul", b"From: =?utf-8?Q?{victim_q}=00?= <{own}>\r\n", "The name ends at the NUL: the victim's address."),
    ("ew-name-angle", b"From: =?utf-8?Q?{victim_name_q}_=3C{victim_q}=3E?= <{own}>\r\n",
     "The decoded name is a whole mailbox of the victim's."),
    ("ew-name-angle-comma", b"From: =?utf-8?Q?=3C{victim_q}=3E,?= <{own}>\r\n", "The decoded name adds a mailbox."),
    ("ew-name-quote", b"From: =?utf-8?Q?=22{victim_q}=22_=3C{victim_q}=3E_=22?= <{own}>\r\n",
     "The decoded name holds quotes that end a quoted string."),
    ("ew-in-quotes", b'From: "=?utf-8?B?{victim_b64}?=" <{own}>\r\n', "Not to be decoded in quotes, yet most do."),
    ("ew-twice", b"From: =?utf-8?B?{victim_twice}?= <{own}>\r\n", "Encoded twice, as some decode it."),
    ("ew-split-at", b"From: =?utf-8?Q?{victim_local_q}?=\r\n =?utf-8?Q?=40{victim_domain_q}?= <{own}>\r\n",
     "The victim's address is split over two words, which readers join."),
    ("ew-utf7", b"From: =?utf-7?Q?{victim_utf7}?= <{own}>\r\n", "UTF-7 hides the @ from filters."),
    ("ew-utf7-address", b"From: <=?utf-7?Q?{victim_utf7}?=>\r\n", "The author's address in UTF-7."),
    ("ew-utf16", b"From: =?utf-16be?B?{victim_utf16_b64}?= <{own}>\r\n", "UTF-16 hides the whole address."),
    ("ew-latin1", b"From: =?iso-8859-1?B?{victim_b64}?= <{own}>\r\n", "Another character set, the same letters."),
    ("ew-language", b"From: =?utf-8*en?B?{victim_b64}?= <{own}>\r\n", "A language tag (RFC 2231 5) on the word."),
    ("ew-unknown-charset", b"From: =?x-unknown?Q?{victim_q}?= <{own}>\r\n", "Readers that guess show the victim."),
    ("ew-no-padding", b"From: =?utf-8?B?{victim_b64}====?= <{own}>\r\n", "Too much padding: some decode it still."),
    ("ew-lower-b", b"From: =?UTF-8?b?{victim_b64}?= <{own}>\r\n", "The encoding's letter in lower case."),
    ("ew-raised", b"From: =?utf-8?Q?{victim_raised}?= <{own}>\r\n",
     "Code points 256 too high, cut back by programs that keep one octet a character."),
    ("ew-raised-local", b"From: =?utf-8?Q?{victim_local_raised}?=@{victim_domain}\r\n", "The same in the address."),
    ("ew-glued", b"From: x=?utf-8?B?{victim_b64}?=y <{own}>\r\n", "No blanks around the word, decoded by most."),
    ("ew-unended", b"From: =?utf-8?B?{victim_b64} <{own}>\r\n", "The word does not end; lenient readers decode it."),
    ("ew-comment", b"From: {own} (=?utf-8?B?{victim_b64}?=)\r\n", "An encoded comment is shown as the name."),
    ("ew-bidi", b"From: =?utf-8?Q?=E2=80=AE{victim_q}?= <{own}>\r\n", "An encoded override turns the text around."),
)  # fmt: skip
SHAPES: Final[tuple[Shape, ...]] = tuple(
    replace(shape, needs=Needs.FOREIGN_NAMES) if shape.code == _READ_AS_FOREIGN else shape for shape in _WORDS
)
