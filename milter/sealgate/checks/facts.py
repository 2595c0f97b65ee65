"""What was asked of the world before judging.

Each answer is `Known(value)` or `Unknown(why)`, never `None`: a missing answer must not read like a harmless one.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sealgate.mail.visible import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, and why. The message goes on with what else is known; a rule says what that means."""

    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers for one message.

    Attributes:
        views: what a reader sees of each text part of `Message.body.parts`, in the same order.
        sealed: the names of the fields (lower case) that our signature will cover; empty where none is planned.
    """

    views: tuple[Known[View] | Unknown, ...] = ()
    sealed: frozenset[str] = frozenset()
