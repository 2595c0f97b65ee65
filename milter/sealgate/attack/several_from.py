"""Several From fields, and fields that become From on the way.

A signer or filter reads the first, a reader shows the last, or the other way round (RFC 5322 3.6 allows one).
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_OWN: Final = b"From: {own_name} <{own}>\r\n"
_VICTIM: Final = b"From: {victim_name} <{victim}>\r\n"
_FILLER: Final = b"".join(b"X-Filler-%d: nothing\r\n" % n for n in range(60))

_REFUSED: Final = hostile(
    "several From fields",
    ("from-own-victim", _OWN + _VICTIM, "Readers that show the last From show the victim."),
    ("from-victim-own", _VICTIM + _OWN, "Readers that show the first From show the victim."),
    ("from-victim-between", _OWN + _VICTIM + _OWN, "The victim stands between two fields that a filter checks."),
    ("from-far-apart", _OWN + _FILLER + _VICTIM, "A filter that reads the first fields only never sees the victim."),
    ("from-lower-case", _OWN + b"from: {victim}\r\n", "Field names have no case; a case-sensitive count finds one."),
    ("from-upper-first", b"FROM: {victim}\r\n" + _OWN, "The shouted field comes first and names the victim."),
    ("from-odd-case", _OWN + b"fRoM: {victim}\r\n", "Mixed case slips past a list of usual spellings."),
    ("from-space-colon", _OWN + b"From : {victim}\r\n", "RFC 5322 4.5 lets readers take `From :` for From."),
    ("from-tab-colon", _OWN + b"From\t: {victim}\r\n", "A tab before the colon is the obsolete syntax too."),
    ("from-space-only", b"X-First: 1\r\nFrom : {victim}\r\n", "The only From has a blank before its colon."),
    ("from-empty-first", b"From:\r\n" + _VICTIM, "The filter checks the empty field and the reader shows the next."),
    ("from-blank-first", b"From: \r\n \r\n" + _VICTIM, "The first From is folded white space only."),
    ("from-empty-last", _VICTIM + b"From:\r\n", "The filter checks the last, empty field."),
    ("from-same-then-victim", _OWN + b"From: {own}, {victim}\r\n", "The second field names the sender and the victim."),
    ("from-bare-lf", b"From: {own}\r\nSubject: Invoice\nFrom: {victim}\r\n", "A bare line feed starts a second From."),
    ("from-fold-lf", b"From: {own}\n {victim}\r\n", "A bare line feed and a blank fold a second address in."),
    ("from-alone", _VICTIM, "The plain forgery: From names the victim."),
    ("from-alone-bare", b"From: {victim}\r\n", "The plain forgery without a name."),
    ("from-alone-upper", b"From: {victim_upper}\r\n", "The plain forgery in capitals."),
    ("from-folded-value", b"From:\r\n {victim_name}\r\n\t<{victim}>\r\n", "The victim stands in the folded lines."),
    ("from-elsewhere", b"From: {victim_name} <{victim_local}@{elsewhere}>\r\n", "An author of a foreign domain."),
    ("from-subdomain", b"From: {own_local}@mail.{domain}\r\n", "A subdomain is another domain with other people."),
    ("from-longer-local", b"From: x{own}\r\n", "The address ends like the sender's own one."),
    ("from-longer-domain", b"From: {own}.{elsewhere}\r\n", "The address begins like the sender's own one."),
    ("from-empty", b"From:\r\n", "There is an author field and nobody in it; some readers show the Reply-To."),
    ("from-angle-empty", b"From: {victim} <>\r\n", "The author is the null address and its name the victim's."),
)
# An MTA that cuts at the NUL, or makes a blank of the CR, leaves honest mail.
_MENDED: Final = tuple(
    replace(shape, may_be_mended=True)
    for shape in hostile(
        "several From fields",
        ("from-nul-name", _OWN + b"From\0: {victim}\r\n", "Where NUL is dropped a second From appears."),
        ("from-nul-before", _OWN + b"\0From: {victim}\r\n", "Where NUL is dropped the line is a second From."),
        ("from-8bit-name", _OWN + b"From\xff: {victim}\r\n", "Where odd octets are dropped a second From appears."),
        ("from-soft-name", _OWN + b"Fr\xc2\xadom: {victim}\r\n", "The name is drawn as From: its hyphen is not."),
        ("from-bare-cr", _OWN + b"Subject: Invoice\rFrom: {victim}\r\n", "Where a bare CR ends a line there are two."),
        ("from-cr-cr-lf", _OWN + b"Subject: Invoice\r\r\nFrom: {victim}\r\n", "CR CR LF is one line end or two."),
        ("from-vt", _OWN + b"Subject: Invoice\x0bFrom: {victim}\r\n", "Text libraries end a line at VT."),
        ("from-ff", _OWN + b"Subject: Invoice\x0cFrom: {victim}\r\n", "Text libraries end a line at FF."),
        ("from-nel", _OWN + b"Subject: Invoice\xc2\x85From: {victim}\r\n", "Text libraries end a line at NEL."),
        ("from-ls", _OWN + b"Subject: Invoice\xe2\x80\xa8From: {victim}\r\n", "Text libraries end a line at U+2028."),
        ("from-subject-ew-crlf", _OWN + b"Subject: =?utf-8?Q?Invoice=0D=0AFrom:_{victim_q}?=\r\n",
         "A program that decodes and writes the field anew makes a second From."),
        ("from-to-ew-crlf", _OWN + b"To: =?utf-8?Q?Bob=0AFrom:_{victim_q}?= <{recipient}>\r\n",
         "A name in To that holds an encoded line end and a From field."),
    )
)  # fmt: skip
SHAPES: Final[tuple[Shape, ...]] = _REFUSED + _MENDED
