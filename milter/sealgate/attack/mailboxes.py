"""One From field with more in it than one mailbox: lists, groups, routes, and brackets that do not match.

RFC 5322 3.4 allows lists and RFC 6854 groups; what a reader shows of them, and what a parser returns, differs.
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_LISTS: Final = hostile(
    "several mailboxes",
    ("list-own-victim", b"From: {own}, {victim}\r\n", "Both are shown as authors, and no Sender says who sent it."),
    ("list-victim-own", b"From: {victim_name} <{victim}>, {own}\r\n", "The victim is shown first, often alone."),
    ("list-semicolon", b"From: {own}; {victim}\r\n", "Outlook's separator hides a second mailbox."),
    ("list-blank", b"From: {own} {victim}\r\n", "Two addresses with a blank between."),
    ("list-no-comma", b"From: <{own}> <{victim}>\r\n", "Two bracketed addresses: the first or the last is taken."),
    ("list-glued", b"From: <{own}><{victim}>\r\n", "Two bracketed addresses without a blank."),
    ("list-empty-items", b"From: ,,,{victim},,{own},\r\n", "Empty items (RFC 5322 4.4) shift the count."),
    ("list-comma-in-name", b"From: {victim}, {own_name} <{own}>\r\n", "An unquoted comma: a name, or a first mailbox."),
    ("list-with-sender", b"From: {own}, {victim}\r\nSender: {own}\r\n", "A Sender makes the pair formally lawful."),
    ("list-folded", b"From: {own},\r\n {victim}\r\n", "The second mailbox stands in the folded line."),
    ("list-many", b"From: " + b"{own}, " * 30 + b"{victim}\r\n", "The victim is the 31st mailbox."),
)
_GROUPS: Final = hostile(
    "groups",
    (
        "group-victim",
        b"From: Board: {victim};\r\n",
        "Parsers that skip groups find no author; readers show the victim.",
    ),
    ("group-own-named", b"From: {victim}: {own};\r\n", "The group's name is the victim's address."),
    ("group-empty", b"From: {victim}:;\r\n", "An empty group whose name is the victim's address (RFC 6854)."),
    ("group-then-own", b"From: Board: {victim};, {own}\r\n", "The parser takes the mailbox behind the group."),
    ("group-after-own", b"From: {own}, Board: {victim};\r\n", "The parser takes the mailbox before the group."),
    ("group-quoted", b'From: "{victim}": {own};\r\n', "The quoted name of the group is shown as the author."),
    ("group-in-quotes", b'From: "Board: {victim};" <{own}>, x: {victim};\r\n', "A quoted group beside a real one."),
    ("group-nested", b"From: A: B: {victim};, {own};\r\n", "Nested groups are no syntax; parsers recover differently."),
    ("group-unclosed", b"From: Board: {own}, {victim}\r\n", "The group is not closed."),
    ("group-angle", b"From: <{victim}>: {own};\r\n", "An address in brackets stands for the group's name."),
    ("group-mailbox", b"From: {victim_name} <{victim}>:{own};\r\n", "Name and address are a group's name."),
)
_ROUTES: Final = hostile(
    "routes",
    ("route-one", b"From: <@{elsewhere}:{victim}>\r\n", "An obsolete route (RFC 5322 4.4) before the victim."),
    ("route-own", b"From: <@{domain},@{elsewhere}:{victim}>\r\n", "A route through one's own domain."),
    ("route-mailbox", b"From: <{own}:{victim}>\r\n", "A route that looks like the sender's own address."),
    ("route-list", b"From: <{own},{victim}>\r\n", "Two addresses in one pair of brackets, after the idea of routes."),
    ("route-bare", b"From: @{elsewhere}:{victim}\r\n", "A route without brackets."),
)
# Postfix cuts routes where it rewrites addresses, and the own address is left.
_CUT: Final = tuple(
    replace(shape, may_be_mended=True)
    for shape in hostile(
        "routes",
        ("route-victim", b"From: <@{victim}:{own}>\r\n", "The victim's address stands in the route."),
    )
)
_BRACKETS: Final = hostile(
    "brackets",
    ("angle-own-in-name", b"From: {own} <{victim}>\r\n", "A parser that takes the first address finds the sender."),
    ("angle-quoted-own", b'From: "{own}" <{victim}>\r\n', "The sender's address is the name, the victim the author."),
    ("angle-nested", b"From: <{own}<{victim}>>\r\n", "Nested brackets."),
    ("angle-nested-out", b"From: <<{victim}>{own}>\r\n", "Nested brackets the other way."),
    ("angle-open", b"From: {own_name} <{victim}\r\n", "The closing bracket is missing."),
    ("angle-close-only", b"From: {victim}>\r\n", "The opening bracket is missing."),
    ("angle-open-second", b"From: <{own}> <{victim}\r\n", "The second bracket is never closed."),
    (
        "angle-paren",
        b"From: {own})<{victim}>\r\n",
        "Lenient parsers stop at the stray parenthesis and return the sender.",
    ),
    ("angle-paren-open", b"From: {own}(<{victim}>\r\n", "A comment that never ends hides the victim from some."),
    ("angle-greater", b"From: {own}><{victim}>\r\n", "A stray > ends the address for some."),
    ("angle-trail", b"From: <{victim}> {own}\r\n", "Text after the brackets is taken for the address."),
    ("angle-square", b"From: [{own}] <{victim}>\r\n", "Square brackets around the sender's address."),
    ("angle-backslash", b"From: \\<{own}\\> <{victim}>\r\n", "Escapes outside quotes are read in two ways."),
    ("angle-space", b"From: <{victim} {own}>\r\n", "Two addresses within one pair of brackets."),
)
SHAPES: Final[tuple[Shape, ...]] = _LISTS + _GROUPS + _ROUTES + _CUT + _BRACKETS
