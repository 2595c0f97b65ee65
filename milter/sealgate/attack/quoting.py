"""Quoted strings and comments: text that one parser skips and another reads."""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_QUOTES: Final = hostile(
    "quotes",
    ("quote-local", b'From: "{victim_local}"@{victim_domain}\r\n', "The quoted local part is the victim's (RFC 5321)."),
    ("quote-escaped", b'From: "\\{victim_local}"@{victim_domain}\r\n', "The same with an escaped letter in it."),
    ("quote-at-local", b'From: "{victim}"@{domain}\r\n', "The local part is the victim's whole address."),
    ("quote-own-at", b'From: "{own} "@{elsewhere}\r\n', "A parser that cuts at the first @ or blank finds the sender."),
    ("quote-angle-local", b'From: "{own_name} <{own}>" {victim}\r\n', "The quoted mailbox is the sender's own."),
    ("quote-break", b'From: "{own_name}\\" <{own}>" <{victim}>\r\n', "The escaped quote decides where the name ends."),
    ("quote-unclosed", b'From: "{own_name} <{own}> <{victim}>\r\n', "The quote never ends."),
    ("quote-twice", b'From: "x"{own}" <{victim}>\r\n', "An odd number of quotes."),
    ("quote-comma", b'From: "{own}, " {victim}\r\n', "The comma stands in quotes, the victim behind."),
    ("quote-glued", b'From: "{own}"<{victim}>\r\n', "No blank between the quoted own address and the brackets."),
    ("quote-inside", b'From: {own_local}"@{domain}, "<{victim}>\r\n', "Quotes in the midst of an address."),
    ("quote-dots", b"From: {victim_local}.@{victim_domain}\r\n", "A dot before the @ is dropped by some."),
    ("quote-double-dot", b"From: {victim_local}..x@{victim_domain}\r\n", "Two dots in a row (RFC 5322 3.2.3)."),
    ("quote-blank", b"From: {victim_local} @ {victim_domain}\r\n", "Blanks around the @ (RFC 5322 4.4)."),
    ("quote-fold", b"From: {victim_local}\r\n @{victim_domain}\r\n", "The address is folded before its @."),
    ("quote-fold-domain", b"From: {own_name} <{victim_local}@\r\n {victim_domain}>\r\n", "Folded behind its @."),
)
_COMMENTS: Final = hostile(
    "comments",
    (
        "comment-victim",
        b"From: {own} ({victim})\r\n",
        "Old readers show the comment as the name: the victim's address.",
    ),
    ("comment-own", b"From: {victim} ({own})\r\n", "The sender's own address is only a comment."),
    ("comment-before", b"From: ({own}) {victim}\r\n", "The same in front."),
    ("comment-angle", b"From: {own} (<{victim}>)\r\n", "A bracketed address in a comment."),
    ("comment-in-local", b"From: {victim_local}(x)@{victim_domain}\r\n", "A comment within the address hides it."),
    ("comment-in-domain", b"From: {victim_local}@(x){victim_domain}\r\n", "A comment behind the @."),
    ("comment-nested", b"From: {own} (a (b) <{victim}>) \r\n", "Parsers that do not count see the comment end early."),
    ("comment-escaped", b"From: (\\){victim}(\\) <{own}>\r\n", "Escaped parentheses decide what is a comment."),
    ("comment-unclosed", b"From: (x {own}\r\n <{victim}>\r\n", "The comment never ends."),
    ("comment-unopened", b"From: {own}) <{victim}>\r\n", "The comment never began."),
    ("comment-quote", b'From: ("){own}(") <{victim}>\r\n', "Quotes within comments pair up for some."),
    ("comment-deep", b"From: " + b"(" * 2000 + b")" * 2000 + b" {victim}\r\n", "Nesting that ends a recursive parser."),
    ("comment-deep-open", b"From: {own} " + b"(" * 1500 + b"{victim}\r\n", "Nesting that is never closed."),
    ("comment-folded", b"From: {own} (see\r\n {victim}\r\n )\r\n", "The victim is alone on a folded line."),
    ("comment-name", b"From: {victim} (x) <{own}>\r\n", "The address in front of the comment is the name."),
)
_CUT: Final = tuple(
    replace(shape, may_be_mended=True)
    for shape in hostile(
        "comments",
        ("comment-nul", b"From: {own} (\0) <{victim}>\r\n", "Cut at the NUL or not, the author differs."),
    )
)
SHAPES: Final[tuple[Shape, ...]] = _QUOTES + _COMMENTS + _CUT
