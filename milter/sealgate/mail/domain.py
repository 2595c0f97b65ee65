"""Domain names, brought to one form.

`normal_domain` gives the lower-case A-label form (RFC 5890) of a domain written in either form, strictly by IDNA 2008:
what would have to be repaired, or read by one reader so and by another differently, is refused. Linear in time; the
only exception is `AddressError`.
"""

import re
import unicodedata
from typing import Final

import idna

from sealgate.mail.glyphs import mixes_alphabets

MAX_DOMAIN: Final = 253  # octets; RFC 5321 4.5.3.1.2 allows 255 on the wire, which leaves 253 in text
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OTHER_DOTS: Final = "\u3002\uff0e\uff61"  # RFC 3490 3.1 took them for dots, IDNA 2008 leaves it to the reader


class AddressError(ValueError):
    """The text is not one plain address; `str()` says why in words for its writer."""


def normal_domain(text: str) -> str:
    """Return a domain in lower-case A-label form, by IDNA 2008.

    Raises:
        AddressError: not a domain name; also a literal such as `[192.0.2.1]` and a trailing dot.
    """
    if len(text) > MAX_DOMAIN:
        raise AddressError("the domain is too long")
    if any(dot in text for dot in _OTHER_DOTS):
        raise AddressError("the domain holds a dot that is none in ASCII")
    lowered = text.lower()
    if not text.isascii() or "xn--" in lowered:
        # No UTS 46 mapping: full-width letters and the Kelvin sign are refused, not repaired.
        if unicodedata.normalize("NFKC", text) != text:
            raise AddressError("the domain holds characters that readers fold to others")
        lowered = ".".join(map(_a_label, lowered.split(".")))
    if len(lowered) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in lowered.split(".")):
        raise AddressError("the domain is not a plain host name")
    return lowered


def _a_label(label: str) -> str:
    """Bring one label to its A-label by IDNA 2008 (RFC 5891 4), contextual and bidi rules included."""
    if label.isascii() and not label.startswith("xn--"):
        return label
    try:
        if label.isascii():
            shown = str(idna.ulabel(label))
            # An A-label that spells its letters in another way than they are encoded is another name to other readers.
            made = "xn--" + shown.encode("punycode").decode("ascii")
            if made != label:
                raise AddressError("the domain holds an A-label that says something else than it is")
        else:
            shown, made = label, idna.alabel(label).decode("ascii")
    except (UnicodeError, IndexError) as error:  # idna's own errors are UnicodeErrors
        raise AddressError("the domain is not valid under IDNA 2008") from error
    if mixes_alphabets(shown):
        raise AddressError("a part of the domain mixes alphabets that look alike")
    return made
