"""Characters that are not drawn, are drawn like others, end a line for some, or are no characters at all."""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_DRAWN: Final = hostile(
    "characters",
    ("char-wide", b"From: {victim_wide}\r\n", "Full-width letters and @, which NFKC folds to the victim's address."),
    ("char-wide-local", b"From: {victim_local_wide}@{victim_domain}\r\n", "A full-width local part."),
    ("char-wide-domain", b"From: {own_local}@{domain_wide}\r\n", "A full-width domain: some map it to the real one."),
    ("char-ideographic-dot", b"From: {victim_local}@{domain_ideographic}\r\n", "Browsers take U+3002 for a dot."),
    ("char-soft-local", b"From: {victim_local_soft}@{victim_domain}\r\n", "Soft hyphens between the victim's letters."),
    ("char-soft-domain", b"From: {own_local}@{domain_soft}\r\n", "A soft hyphen in the domain."),
    ("char-zero-width", b"From: \xe2\x80\x8b{victim}\r\n", "A zero-width space before the victim's address."),
    ("char-joiner", b"From: {own_local}@{victim_domain}\xe2\x80\x8d\r\n", "A zero-width joiner ends the domain."),
    ("char-bom", b"From: \xef\xbb\xbf{victim}\r\n", "A byte order mark before the victim's address."),
    ("char-lookalike-local", b"From: {victim_local_lookalike}@{victim_domain}\r\n", "Cyrillic for Latin letters."),
    ("char-lookalike-domain", b"From: {own_local}@{domain_lookalike}\r\n", "A domain drawn like the own one."),
    ("char-punycode", b"From: {own_local}@{domain_punycode}\r\n", "The same domain as A-labels; readers draw it."),
    ("char-rtl", b"From: \xe2\x80\xae{victim_backwards}\xe2\x80\xac <{own}>\r\n",
     "A right-to-left override draws the victim's address as the name."),
    ("char-rtl-address", b"From: <\xe2\x80\xae{victim_backwards}>\r\n", "The same in the address."),
    ("char-isolate", b"From: \xe2\x81\xa7{victim_backwards}\xe2\x81\xa9 <{own}>\r\n", "An isolate does the same."),
    ("char-tag", b"From: {victim_local}\xf3\xa0\x81\xa1@{victim_domain}\r\n", "A tag character is not drawn."),
    ("char-combining", b"From: {victim_local}\xcd\x8f@{victim_domain}\r\n", "A combining joiner is not drawn."),
    ("char-small-at", b"From: {own}\xef\xb9\xab{elsewhere} <{victim}>\r\n", "A small @ and the victim behind."),
    ("char-overlong", b"From: {victim_overlong}\r\n", "Over-long UTF-8 that careless decoders read."),
    ("char-overlong-name", b"From: {victim_overlong} <{own}>\r\n", "The same in the name."),
    ("char-invalid-utf8", b"From: {victim_local}\xc3\x28@{victim_domain}\r\n", "Invalid UTF-8 within the address."),
    ("char-latin1", b"From: {own_name}\xe4 <{victim}>\r\n", "Latin-1 in the name, the victim as author."),
    ("char-surrogate", b"From: {own_name} \xed\xa0\x80 <{victim}>\r\n", "A lone surrogate before the victim."),
    ("char-c1", b"From: {victim}\xc2\x9b <{own}>\r\n", "A C1 control behind the victim's address as a name."),
    ("char-escape", b"From: {own_name}\x1b[2K\r\n <{victim}>\r\n", "An escape sequence that clears a terminal's line."),
    ("char-backspace", b"From: {victim}\x08\x08 <{own}>\r\n", "Backspaces in the name."),
    ("char-nbsp", b"From: {victim}\xc2\xa0<{own}>\r\n", "A no-break space is no blank to a parser."),
)  # fmt: skip
# Where an MTA cuts at NUL or makes a blank of a CR, or a decoder splits lines, honest mail may be left.
_SEPARATED: Final = hostile(
    "separators",
    ("sep-nul", b"From: {own}\0,{victim}\r\n", "Cut at NUL the field is honest; whole it is not."),
    ("sep-nul-join", b"From: {own}\0{victim}\r\n", "Without the NUL both addresses join."),
    ("sep-nul-first", b"From: {victim}\0<{own}>\r\n", "Cut at NUL the victim is left."),
    ("sep-nul-angle", b"From: {own_name} <{own}\0>{victim}\r\n", "Cut at NUL, the bracket is never closed."),
    ("sep-cr", b"From: {own}\r {victim}\r\n", "A bare CR: a blank, or a line's end."),
    ("sep-cr-from", b"From: {own}\rFrom: {victim}\r\n", "A bare CR: one field, or two."),
    ("sep-vt", b"From: {own}\x0b{victim}\r\n", "A vertical tab parts two addresses."),
    ("sep-ff", b"From: {own}\x0c{victim}\r\n", "A form feed parts two addresses."),
    ("sep-fs", b"From: {own}\x1cFrom: {victim}\r\n", "A file separator ends a line for text libraries."),
    ("sep-nel", b"From: {own}\xc2\x85From: {victim}\r\n", "NEL ends a line for text libraries."),
    ("sep-ls", b"From: {own}\xe2\x80\xa8From: {victim}\r\n", "U+2028 ends a line for text libraries."),
    ("sep-ps", b"From: {own}\xe2\x80\xa9{victim}\r\n", "U+2029 ends a paragraph."),
    ("sep-comma-wide", b"From: {own}\xef\xbc\x8c{victim}\r\n", "A full-width comma parts the mailboxes."),
    ("sep-encoded-comma", b"From: {own}=?utf-8?Q?=2C?={victim}\r\n", "An encoded comma parts the mailboxes."),
    ("sep-slash", b"From: {own}/{victim}\r\n", "A slash, as people write two names."),
    ("sep-pipe", b"From: {own}|{victim}\r\n", "A pipe, as programs part fields."),
)
_MENDABLE: Final = frozenset({"sep-nul", "sep-nul-join", "sep-nul-angle", "sep-cr-from"})
SHAPES: Final[tuple[Shape, ...]] = _DRAWN + tuple(
    replace(shape, may_be_mended=shape.code in _MENDABLE) for shape in _SEPARATED
)
