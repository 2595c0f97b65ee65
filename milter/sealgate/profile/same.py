"""What follows of one profile, or of one set of keys, remembered until there is another one.

A profile never changes: what was judged by it once need not be judged again. But it may be large, so it is compared by
identity (to hash a thousand identities for every message would cost more than the answer), and only the latest one is
kept in mind: whatever was remembered of the one before is dropped with it, so that a reload leaves no old profile or
private key in memory. `remembered` may be used from any thread. Nothing here raises but what the function itself does.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Concatenate, Generic, ParamSpec, TypeVar

_Value = TypeVar("_Value")
_Rest = ParamSpec("_Rest")
_Answer = TypeVar("_Answer")


class Same(Generic[_Value]):
    """A value as the key of a cache: equal to itself alone, and kept alive as long as the cache holds it."""

    __slots__ = ("value",)

    def __init__(self, value: _Value) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def remembered(
    answers: int,
) -> Callable[[Callable[Concatenate[_Value, _Rest], _Answer]], Callable[Concatenate[_Value, _Rest], _Answer]]:
    """Remember what a pure function says of its first argument and the others, as long as the first is the same one.

    Args:
        answers: how many are remembered, the least used dropped first. The other arguments must be hashable, and the
            caller sees to it that they are small.
    """

    def wrap(function: Callable[Concatenate[_Value, _Rest], _Answer]) -> Callable[Concatenate[_Value, _Rest], _Answer]:
        @lru_cache(maxsize=1)
        def by(first: Same[_Value]) -> Callable[..., _Answer]:
            return lru_cache(maxsize=answers)(partial(function, first.value))

        def call(first: _Value, /, *rest: _Rest.args, **named: _Rest.kwargs) -> _Answer:
            return by(Same(first))(*rest, **named)

        return call

    return wrap
