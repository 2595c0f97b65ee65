"""Facts before judgement: everything that has to be asked is asked here, once, with a deadline.

Content that cannot be read within the limits gives `Unknown(why)`; what that means is the checks' business. A port that
does not answer is a fault of ours: its `PortError` goes up, and the message is deferred.
"""

from sealgate.app.ports import Reader, UnreadableError
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.message import Message
from sealgate.mail.mime import TextPart
from sealgate.mail.visible import View, is_heavy, read_html, read_plain


def gather(message: Message, reader: Reader, sealed: frozenset[str]) -> Facts:
    """Ask for what a reader sees of each text part, and put the planned seal beside it."""
    return Facts(tuple(_view(part, reader) for part in message.body.parts), sealed)


def _view(part: TextPart, reader: Reader) -> Known[View] | Unknown:
    if part.subtype != "html":
        return Known(read_plain(part.content, part.charset))
    if not is_heavy(part.content):
        return Known(read_html(part.content, part.charset))
    try:
        return Known(reader.read(part.content, part.charset))
    except UnreadableError as error:
        return Unknown(str(error))
