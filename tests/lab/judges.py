"""Three verifiers that share no code, dkimpy, OpenDKIM and rspamd, asked about one message at a time.

All three know RSA and Ed25519 (RFC 8463) and all canonicalizations. `Judges` starts what they need, as `verify` and
`rspamd` describe it: root and Debian packages; where something is missing, entering raises `VerifyUnavailable`.
"""

import contextlib
from collections.abc import Mapping
from typing import Self

from tests.lab.rspamd import Rspamd
from tests.lab.verify import Resolver, dkimpy_verdict

NAMES = ("dkimpy", "opendkim", "rspamd")


class Judges:
    """The three, for one `with` block."""

    def __init__(self, records: Mapping[str, str]) -> None:
        """Name the TXT records that publish the keys."""
        self._records = dict(records)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._resolver = stack.enter_context(Resolver(self._records))
            self._rspamd = stack.enter_context(Rspamd(self._resolver))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, wire: bytes) -> dict[str, list[bool]]:
        """What each says of each signature, in the order of the fields.

        Args:
            wire: the message with CRLF line ends.
        """
        said = (
            dkimpy_verdict(wire, self._records),
            self._resolver.opendkim_verdict(wire),
            self._rspamd.verdict(wire),
        )
        return dict(zip(NAMES, said, strict=True))


def all_say(*verdicts: bool) -> dict[str, list[bool]]:
    """What `Judges.of` answers where all three agree."""
    return {name: list(verdicts) for name in NAMES}
