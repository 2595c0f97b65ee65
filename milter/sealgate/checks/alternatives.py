"""Which text parts say the same thing in two forms, and whether they really do (RFC 2046 5.1.4).

A reader is shown one of them, as a rule the last. What only one shows, some readers miss; and a plain text that has
nothing to do with the HTML beside it is shown to nobody, however complete it is.
"""

import re
from itertools import pairwise
from typing import Final

from sealgate.checks.hosts import host_of
from sealgate.mail.mime import TextPart
from sealgate.mail.visible import View

_WORD = re.compile(r"[^\W\d_]{4,30}")
_LOOKED_AT: Final = 4_000  # characters of each
_SHORT: Final = 200  # a text below this may say too little to be compared


def pairs(parts: tuple[TextPart, ...]) -> tuple[tuple[int, int], ...]:
    """The places of parts that are alternatives: a plain text and an HTML next to it below the same multipart.

    The HTML may be the first part of a multipart of its own there, with its pictures (RFC 2387).
    """
    found = []
    for number, (first, second) in enumerate(pairwise(parts)):
        if (first.subtype, second.subtype) == ("plain", "html") and _follows(first.path, second.path):
            found.append((number, number + 1))
    return tuple(found)


def _follows(first: str, second: str) -> bool:
    """Whether a part is the next one below the same multipart, or the first text in that."""
    above, dot, number = first.rpartition(".")
    following = f"{above}{dot}{int(number) + 1}"
    return second == following or second.removeprefix(f"{following}.") in ("1", "1.1")


def is_unrelated(plain: View, html: View) -> bool:
    """Whether a plain text is another message than the HTML beside it: no host and hardly a word in common."""
    if len(plain.text) < _SHORT or not html.links:
        return False
    known = {host_of(link.href) for link in plain.links}
    hosts = {""}
    for link in html.links:
        host = host_of(link.href)
        if host in hosts:
            continue
        if host in known or host in plain.text:
            return False
        hosts.add(host)
    if len(hosts) == 1:
        return False
    told = f"{html.text[:_LOOKED_AT]} {html.alternatives[:_LOOKED_AT]}".lower()
    words = set(_WORD.findall(told))
    return len(words & set(_WORD.findall(plain.text[:_LOOKED_AT].lower()))) * 5 <= len(words)
