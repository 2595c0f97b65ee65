"""Header fields and body chunks in, one frozen `Message` out.

The body is hashed and split as its chunks arrive; only the text parts that checks read are kept, under caps, so the
memory of a message does not grow with its attachments.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from sealgate.app.inflight import FIELD_OCTETS
from sealgate.mail.headers import Field, Headers
from sealgate.mail.lines import LineScan
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, Splitter
from sealgate.profile.model import Form
from sealgate.seal.canonical import RelaxedBody, SimpleBody

# Postfix lets no field pass 60,000 octets when milters are on, but any number of fields; all must be kept to be signed.
MAX_HEADER_OCTETS: Final = 1_000_000
MAX_FIELDS: Final = 2_000


class Intake:
    """Collects one message. Not shared between threads at the same time; holds nothing of the message before.

    Args:
        forms: the canonicalizations by which the body is hashed, each once.

    Attributes:
        header_octets: of all fields so far, kept or not.
        is_over_limit: whether fields were dropped, because they went beyond what can be kept.
    """

    __slots__ = ("_fields", "_hashes", "_headers", "_lines", "_splitter", "header_octets", "is_over_limit")

    def __init__(self, forms: Iterable[Form] = (Form.RELAXED,)) -> None:
        self._fields: list[Field] = []
        self.header_octets = 0
        self._headers: Headers | None = None
        self._splitter: Splitter | None = None
        self._lines = LineScan()
        self._hashes = {form: RelaxedBody() if form is Form.RELAXED else SimpleBody() for form in forms}
        self.is_over_limit = False

    def header(self, name: bytes, value: bytes) -> None:
        """Take one field, exactly as sent, with CRLF folds."""
        self.header_octets += len(name) + len(value)
        if self.header_octets > MAX_HEADER_OCTETS or len(self._fields) >= MAX_FIELDS:
            self.is_over_limit = True
            return
        self._fields.append(Field(name, value))

    @property
    def held(self) -> int:
        """Octets kept so far, roughly."""
        header = min(self.header_octets, MAX_HEADER_OCTETS) + FIELD_OCTETS * len(self._fields)
        return header + (self._splitter.held if self._splitter is not None else 0)

    def body(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        if self._splitter is None:
            self._headers = Headers(tuple(self._fields))
            self._splitter = Splitter(self._headers)
        self._splitter.feed(chunk)
        self._lines.feed(chunk)
        for body in self._hashes.values():
            body.feed(chunk)

    def finish(
        self, *, reference: str, received_at: float, session: Session, envelope: Envelope, queue_id: str = ""
    ) -> tuple[Message, Mapping[Form, bytes]]:
        """Freeze the message; return it with the SHA-256 of its body in each form (RFC 6376 3.4). Called once."""
        headers = self._headers
        if headers is None or len(headers.fields) < len(self._fields):
            headers = Headers(tuple(self._fields))
        body: Body = (self._splitter or Splitter(headers)).finish()
        lines = self._lines.finish()
        message = Message(reference, received_at, session, envelope, headers, body, queue_id, lines)
        return message, {form: hashed.digest() for form, hashed in self._hashes.items()}
