"""What was asked of the world before judging.

Each answer is `Known(value)` or `Unknown(why)`, never `None`: a missing answer must not read like a harmless one.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, and why. The message goes on with what else is known; a rule says what that means."""

    why: str


NOT_ASKED: Final = Unknown("not asked: no check looks at what this sender writes")


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers for one message.

    Attributes:
        views: what a reader sees of each text part of `Message.body.parts`, in the same order; `NOT_ASKED` for each
            where `is_content_judged` says no.
        sealed: the names of the fields (lower case) that our signature will cover; empty where none is planned.
        stuck: names of those among them with a line too long for SMTP that cannot be folded.
        unsettled: names of those among them that Sendmail will write anew, and not as they are signed.
    """

    views: tuple[Known[View] | Unknown, ...] = ()
    sealed: frozenset[str] = frozenset()
    stuck: tuple[bytes, ...] = ()
    unsettled: tuple[bytes, ...] = ()


def is_content_judged(identity: Identity | None) -> bool:
    """Whether any check looks at what mail of this identity says.

    That is so of what is declared commercial, and of services other than for personal mail. What a person, a forwarder
    or nobody known writes is not read at all: neither here nor by the process that reads heavy HTML.
    """
    if identity is None:
        return False
    if identity.mail_class is MailClass.COMMERCIAL:
        return True
    return identity.kind is Kind.SERVICE and identity.mail_class is not MailClass.PERSONAL
