"""Which of many known names a name bears.

`Known` holds the names of people and brands that are to be recognised; `borne_in` says which of them a reader finds in
a display name. A known name is found where

- its words stand side by side in their order, whatever stands around them and whether they are run together or drawn
  apart: `Dr. Carol Chief`, `Big Bank Service`, `carolchief`, `C a r o l Chief`;
- its words stand in their order with titles, particles and initials between them, or these and one other word:
  `Carol M. Chief`, `Carol Anne Chief`;
- its last words come first, side by side or with titles and initials between, at the beginning of a phrase or before
  a comma: `Chief, Carol`, `(Chief Carol)`. `Brown & David LLP` is no David Brown: what "and" joins is several.

Words in any other order, or with more between them, are somebody else's. The cost does not grow with the number of
known names, only with those that share their rarest word. Nothing here raises.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.mail.skeleton import bare, phrases, readings

_HEAD: Final = 3  # letters by which most places of a name are passed over
MAX_WORDS: Final = 1_000
# Forms of address and posts, and particles, that people write before or within a name; as `bare` writes them.
_TITLES: Final = frozenset(
    bare(title)
    for title in (
        "mr", "mrs", "ms", "miss", "mx", "sir", "dame", "lord", "lady", "dr", "prof", "professor", "doctor", "rev",
        "hon", "herr", "hr", "frau", "fr", "mme", "mlle", "sig", "sra", "sr", "dipl", "ing", "mag", "med", "phil",
        "phd", "mba", "ceo", "cfo", "cto", "cio", "coo",
    )
)  # fmt: skip
_PARTICLES: Final = frozenset(
    bare(particle)
    for particle in (
        "von", "van", "vom", "zu", "zur", "zum", "der", "den", "de", "da", "di", "del", "della", "la", "le", "du",
        "ter", "bin", "al",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of a name in one reading; of each, whether a phrase begins with it and whether "and" stands before."""

    words: tuple[str, ...]
    begins: tuple[bool, ...]
    is_joined: tuple[bool, ...]


class Known:
    """Names that are to be recognised, indexed once."""

    __slots__ = ("_by_word", "_heads", "_longest", "_runs", "_size", "_turned")

    def __init__(self, names: Iterable[str]) -> None:
        """Index `names`; `borne_in` answers with their places in this order."""
        wanted = [(index, words) for index, name in enumerate(names) for words in _wanted(name)]
        self._runs: dict[str, set[int]] = defaultdict(set)  # all words run together
        self._turned: dict[str, set[tuple[int, int]]] = defaultdict(set)  # the same, last words first; where they meet
        self._by_word: dict[str, list[tuple[int, tuple[str, ...], int]]] = defaultdict(list)  # by the rarest word
        counts = Counter(word for _, words in wanted for word in set(words))
        for index, words in wanted:
            self._runs["".join(words)].add(index)
            for at in range(1, len(words)):
                last = "".join(words[at:])
                self._turned[last + "".join(words[:at])].add((index, len(last)))
            if len(words) > 1:
                rarest = min(range(len(words)), key=lambda i, words=words: (counts[words[i]], i))  # type: ignore[misc]
                self._by_word[words[rarest]].append((index, words, rarest))
        lengths = [len(run) for run in self._runs]
        self._longest = max(lengths, default=0)
        self._size = min(_HEAD, *lengths, _HEAD)
        self._heads = frozenset(run[: self._size] for run in (*self._runs, *self._turned))

    def borne_in(self, name: str) -> tuple[int, ...]:
        """The places of those known names that a reader finds in `name`, lowest first."""
        if not self._longest:
            return ()
        found: set[int] = set()
        for reading in phrases(name):
            line = _line(reading)
            short = _without_titles(line)
            for each in (line, short) if short is not line else (line,):
                found |= self._side_by_side(each) | self._apart(each.words)
        return tuple(sorted(found))

    def _side_by_side(self, line: _Line) -> set[int]:
        found: set[int] = set()
        for start in range(len(line.words)):
            run = ""
            for end in range(start, len(line.words)):
                run += line.words[end]
                if len(run) >= self._size and run[: self._size] not in self._heads:
                    break
                if run in self._runs:
                    found |= self._runs[run]
                if run in self._turned:
                    found |= {i for i, seam in self._turned[run] if _is_turned(line, start, end, seam)}
                if len(run) >= self._longest:
                    break
        return found

    def _apart(self, words: tuple[str, ...]) -> set[int]:
        return {
            index
            for at, word in enumerate(words)
            for index, wanted, place in self._by_word.get(word, ())
            if _stands_around(words, at, wanted, place)
        }


def _wanted(name: str) -> Iterator[tuple[str, ...]]:
    """The words of a known name in its readings, with its titles and without."""
    for reading in readings(name):
        words = tuple(reading.split()[:MAX_WORDS])
        yield words
        named = tuple(word for word in words if word not in _TITLES)
        if 1 < len(named) < len(words):
            yield named


def _line(phrase: str) -> _Line:
    words: list[str] = []
    begins: list[bool] = []
    is_joined: list[bool] = []
    marks = ","
    for piece in phrase.split():
        if piece in (",", "&"):
            marks += piece
            continue
        words.append(piece)
        begins.append(marks != "")
        is_joined.append("&" in marks)
        marks = ""
        if len(words) == MAX_WORDS:
            break
    return _Line(tuple(words), tuple(begins), tuple(is_joined))


def _without_titles(line: _Line) -> _Line:
    """The line without titles and initials; what follows one begins a phrase where it did."""
    kept: list[tuple[str, bool, bool]] = []
    has_begun = is_joined = False
    for word, begins, joined in zip(line.words, line.begins, line.is_joined, strict=True):
        has_begun, is_joined = has_begun or begins, is_joined or joined
        if word in _TITLES or word in _PARTICLES or _is_initial(word):
            continue
        kept.append((word, has_begun, is_joined))
        has_begun = is_joined = False
    if not kept or len(kept) == len(line.words):
        return line
    words, starts, ands = zip(*kept, strict=True)
    return _Line(words, starts, ands)


def _is_initial(word: str) -> bool:
    """Whether a word is one letter: of an alphabet, as a Chinese one is a whole name. An M has the skeleton of `rn`."""
    return word == "rn" or (len(word) == 1 and word < "\u2e80")


def _is_turned(line: _Line, start: int, end: int, seam: int) -> bool:
    """Whether words whose last come first are one name: no "and" joins them, and a phrase begins or a comma parts them.

    `seam` is how many letters stand before the place where they are turned.
    """
    if start == end:
        return True
    if any(line.is_joined[start + 1 : end + 1]):
        return False
    before = 0
    for at in range(start, end + 1):
        if before == seam and at > start and line.begins[at]:
            return True
        before += len(line.words[at])
    return line.begins[start]


def _stands_around(words: tuple[str, ...], at: int, wanted: tuple[str, ...], place: int) -> bool:
    """Whether `wanted`, whose word at `place` stands at `at`, stands in `words` in order with at most one between."""
    spare = 1
    for step, rest in ((1, wanted[place + 1 :]), (-1, wanted[:place][::-1])):
        here = at
        for word in rest:
            here += step
            if spare and 0 <= here < len(words) and words[here] != word:
                here += step
                spare -= 1
            if not 0 <= here < len(words) or words[here] != word:
                return False
    return True
