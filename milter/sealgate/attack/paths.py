"""Addresses of other times: percent and bang paths, two @, literals, and addresses with a part missing.

MTAs rewrite some of these before or after a filter has seen them.
"""

from typing import Final

from sealgate.attack.shape import Shape, hostile

SHAPES: Final[tuple[Shape, ...]] = hostile(
    "old addresses",
    ("path-percent", b"From: {victim_local}%{victim_domain}@{domain}\r\n", "The percent hack: relays turn it round."),
    ("path-percent-own", b"From: {victim_local}%{domain}\r\n", "A % is all there is; Postfix may make an @ of it."),
    ("path-percent-paren", b"From: {victim_local}%{domain}(@{elsewhere}\r\n", "The same with an open comment."),
    ("path-bang", b"From: {victim_domain}!{victim_local}\r\n", "A UUCP path that Postfix rewrites to the victim."),
    ("path-bang-at", b"From: {victim_domain}!{victim_local}@{domain}\r\n", "Bang and @: which comes first differs."),
    ("path-bang-own", b"From: {domain}!{own_local}!{victim_local}\r\n", "A longer UUCP path."),
    ("path-two-at", b"From: {own}@{victim_domain}\r\n", "Two @: the local part ends at the first or the last."),
    ("path-two-at-victim", b"From: {victim}@{domain}\r\n", "The victim's address with a domain behind."),
    ("path-two-at-angle", b"From: {own_name} <{victim_local}@{elsewhere}@{domain}>\r\n", "Two @ in brackets."),
    ("path-at-comma", b"From: {own},@{elsewhere}:{victim}\r\n", "A route behind a comma."),
    ("path-literal", b"From: {victim_local}@[127.0.0.1]\r\n", "A domain literal: this very host."),
    ("path-literal-name", b"From: {victim_local}@[{victim_domain}]\r\n", "The domain's name in square brackets."),
    ("path-literal-v6", b"From: {victim_local}@[IPv6:::1]\r\n", "An IPv6 literal."),
    ("path-trailing-dot", b"From: {victim}.\r\n", "The rooted domain is the same to DNS."),
    ("path-leading-dot", b"From: {victim_local}@.{victim_domain}\r\n", "A dot before the domain is dropped by some."),
    ("path-no-domain", b"From: {victim_local}\r\n", "No domain: the next host adds its own."),
    ("path-no-domain-angle", b"From: {victim_name} <{victim_local}>\r\n", "The same in brackets."),
    ("path-no-domain-at", b"From: {victim_local}@\r\n", "An @ and nothing behind."),
    ("path-no-local", b"From: {victim_name} <@{victim_domain}>\r\n", "No local part: only the name is shown."),
    ("path-name-only", b"From: {victim_name}\r\n", "No address at all: only the name is shown."),
    ("path-short-domain", b"From: {victim_local}@localhost\r\n", "This host's own name for itself."),
    ("path-underscore", b"From: {own_local}@{domain}_{elsewhere}\r\n", "A host name that cannot exist."),
    ("path-port", b"From: {victim}:25\r\n", "A port, as in a URL."),
    ("path-mailto", b"From: mailto:{victim}\r\n", "A URL scheme before the address."),
    ("path-slash", b"From: /CN={victim_local}/O={victim_domain}/@{elsewhere}\r\n", "An X.400 address."),
    ("path-long-local", b"From: " + b"a" * 900 + b"{victim}\r\n", "Readers show the end of an over-long address."),
)  # fmt: skip
