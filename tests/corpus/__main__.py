"""`make corpus`: recall and precision on labelled mail, as a table.

    python -m tests.corpus [FOLDER] [--misses] [--json]

The mail is not part of the project; where there is none, this says what to give, and ends well.
"""

import argparse
import json
import sys
from collections import Counter

from tests.corpus.measure import NAME, QUESTIONS, Sample, Score, folder_of, refused, samples_of


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="make corpus", description="Recall and precision on labelled mail.")
    parser.add_argument("folder", nargs="?", default="", help="a folder with labels.tsv and the messages")
    parser.add_argument("--misses", action="store_true", help="name what was judged wrongly, but for what is held out")
    parser.add_argument("--json", action="store_true", help="the figures for a program")
    said = parser.parse_args(arguments)
    folder = folder_of(said.folder)
    if folder is None:
        print(f"skipped: no labelled mail; give a folder with labels.tsv, or set {NAME} to it")
        return 0
    samples = list(samples_of(folder))
    parts = {
        "all": samples,
        "tuned": [s for s in samples if not s.is_held_out],
        "held out": [s for s in samples if s.is_held_out],
    }
    scores = {question.name: {part: question.score(some) for part, some in parts.items()} for question in QUESTIONS}
    if said.json:
        print(json.dumps(_as_json(samples, scores), indent=1))
    else:
        _table(samples, scores, misses=said.misses)
    return 0


def _table(samples: list[Sample], scores: dict[str, dict[str, Score]], *, misses: bool) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(s.mail_class for s in samples).most_common())
    print(f"{len(samples)} messages ({kinds}); {sum(s.is_held_out for s in samples)} held out\n")
    print(f"{'':<44}{'all':^18}{'tuned':^18}{'held out':^18}")
    print(f"{'':<44}{'recall  precision ' * 3}")
    for name, by_part in scores.items():
        cells = "".join(f"{score.recall:5.3f}   {score.precision:5.3f}     " for score in by_part.values())
        counts = f"({by_part['all'].wanted} there, {by_part['all'].found} found)"
        print(f"{name:<44}{cells}{counts}")
    print()
    for sender in ("person", "service"):
        print(f"personal messages refused as mail of a {sender:<8}{len(refused(samples, 'personal', sender))}")
    lawful = [s for s in samples if _holds_both(s)]
    stopped = refused(lawful, "commercial", "commercial")
    print(f"commercial with both elements, refused as such {len(stopped)} of {len(lawful)}")
    if misses:
        for name, by_part in scores.items():
            print(f"\n{name}:")
            print("".join(f"  not found   {one}\n" for one in by_part["tuned"].misses), end="")
            print("".join(f"  not there   {one}\n" for one in by_part["tuned"].extras), end="")
            held_out = by_part["held out"]  # to name them would be the end of holding them out
            print(f"  held out: {len(held_out.misses)} not found, {len(held_out.extras)} not there")
        print("\ncommercial with both elements, refused:", *(f"\n  {one}" for one in stopped))


def _holds_both(sample: Sample) -> bool:
    is_whole = sample.has("has_postal_address") and sample.has("has_unsubscribe_link_or_text")
    return sample.mail_class == "commercial" and is_whole


def _as_json(samples: list[Sample], scores: dict[str, dict[str, Score]]) -> dict[str, object]:
    return {
        "messages": len(samples),
        "held_out": sum(s.is_held_out for s in samples),
        "scores": {
            name: {
                part: {
                    "recall": round(score.recall, 4), "precision": round(score.precision, 4),
                    "wanted": score.wanted, "found": score.found,
                    "misses": score.misses, "extras": score.extras,
                }
                for part, score in by_part.items()
            }
            for name, by_part in scores.items()
        },
        "personal_refused": {sender: refused(samples, "personal", sender) for sender in ("person", "service")},
        "commercial_with_both_refused": refused([s for s in samples if _holds_both(s)], "commercial", "commercial"),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
