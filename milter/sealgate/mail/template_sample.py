"""What parts of one campaign have in common, learnt from one part after the other.

A `Sample` holds of each word of a part a number that cannot be turned back (`hash`, of a secret seed that is another
one in each process), and forgets the numbers of words that differ in a later part: what a single reader was sent is not
kept. Parts are compared tag by tag and text by text, so they must have the same number of these, and most the same.
Nothing here raises; time and memory are linear in the part, up to `MAX_WORDS`.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

MAX_WORDS: Final = 40_000
_SEGMENT = re.compile(rb"<[^<>]*+>?|[^<]++")
_WORD = re.compile(rb"[A-Za-z0-9_\-=%~+\x80-\xff]++|[^A-Za-z0-9_\-=%~+\x80-\xff]")

Pattern = tuple[int | None, ...]
"""Numbers of words; None stands for a word that differs, or for several where patterns of other length were met."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """The words of a part's tags and texts."""

    segments: tuple[Pattern, ...]

    @classmethod
    def of(cls, part: bytes) -> "Sample | None":
        """Take a sample; None where it would be too large."""
        segments: list[Pattern] = []
        numbers: dict[bytes, int] = {}  # one object for one number
        left = MAX_WORDS
        for segment in _SEGMENT.findall(part):
            segments.append(tuple([numbers.setdefault(word, hash(word)) for word in _WORD.findall(segment)]))
            left -= len(segments[-1])
            if left < 0:
                return None
        return cls(tuple(segments))

    def met(self, part: bytes) -> "tuple[Sample, tuple[bytes, ...]] | None":
        """Compare with another part.

        Returns:
            What is common to both, and the constants of `part` between which it may differ; None where too little is.
        """
        segments = _SEGMENT.findall(part)
        if len(segments) != len(self.segments):
            return None
        merged: list[Pattern] = []
        constants: list[bytes] = []
        begin = at = 0  # of the constant that goes on; of the segment
        different = 0
        for pattern, segment in zip(self.segments, segments, strict=True):
            words = _WORD.findall(segment)
            common, spans = _merged(pattern, tuple(map(hash, words)))
            merged.append(common)
            if spans:
                different += 1
                ends = [at, *(at + end for end in accumulate(map(len, words)))]
                for first, last in spans:
                    constants.append(part[begin : ends[first]])
                    begin = ends[last]
            at += len(segment)
        if 2 * different > len(segments) + 1 or sum(map(len, merged)) > MAX_WORDS:
            return None
        return Sample(tuple(merged)), (*constants, part[begin:])


def _merged(pattern: Pattern, words: tuple[int, ...]) -> tuple[Pattern, list[Span]]:
    """Return what is common, and the runs of `words` that differ, as from and to."""
    if pattern == words:
        return pattern, []
    if len(pattern) == len(words):
        common: Pattern = tuple([mine if mine == its else None for mine, its in zip(pattern, words, strict=True)])
        return common, _runs(common)
    shorter = min(len(pattern), len(words))
    first = next((n for n in range(shorter) if pattern[n] != words[n]), shorter)
    most = shorter - first
    last = next((n for n in range(most) if pattern[-1 - n] != words[-1 - n]), most)
    if first + last == shorter:  # something was put in: a value is not empty
        first, last = (first - 1, last) if first else (first, last - 1)
    end = len(words) - last
    return (*words[:first], None, *words[end:]), [(first, end)]


def _runs(common: Pattern) -> list[Span]:
    runs: list[Span] = []
    for number, word in enumerate(common):
        if word is None:
            if runs and runs[-1][1] == number:
                runs[-1] = runs[-1][0], number + 1
            else:
                runs.append((number, number + 1))
    return runs
