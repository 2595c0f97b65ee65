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
    """The places of parts that are alternatives: a plain text and an HTML next to it below the same multipart."""
    found = []
    for number, (first, second) in enumerate(pairwise(parts)):
        same = first.path.rpartition(".")[0] == second.path.rpartition(".")[0]
        if same and (first.subtype, second.subtype) == ("plain", "html"):
            found.append((number, number + 1))
    return tuple(found)


def is_unrelated(plain: View, html: View) -> bool:
    """Whether a plain text is another message than the HTML beside it: no host and hardly a word in common."""
    if len(plain.text) < _SHORT or not html.links:
        return False
    hosts = {host_of(link.href) for link in html.links} - {""}
    if not hosts or hosts & {host_of(link.href) for link in plain.links} or any(host in plain.text for host in hosts):
        return False
    told = f"{html.text[:_LOOKED_AT]} {html.alternatives[:_LOOKED_AT]}".lower()
    words = set(_WORD.findall(told))
    return len(words & set(_WORD.findall(plain.text[:_LOOKED_AT].lower()))) * 5 <= len(words)
