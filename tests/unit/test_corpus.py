"""What the gate finds in labelled mail, held to what it found when these bounds were written.

The mail is not part of the project: `tests.corpus` says where it is looked for, and without it these are skipped.
"""

from functools import cache

import pytest

from tests.corpus.__main__ import main
from tests.corpus.measure import NAME, QUESTIONS, Sample, folder_of, refused, samples_of

FOLDER = folder_of()
needs_mail = pytest.mark.skipif(FOLDER is None, reason=f"no labelled mail: set {NAME} to a folder with labels.tsv")

# Recall and precision on all messages; a little below what stands, so that one message more or less is no alarm.
BOUNDS = {
    "opt-out, commercial mail": (0.98, 0.98),
    "postal address, commercial mail in English": (0.91, 0.91),
    "postal address, all commercial mail": (0.95, 0.95),
    "commercial against the rest": (0.89, 0.89),
}


@cache
def samples() -> tuple[Sample, ...]:
    assert FOLDER is not None
    return tuple(samples_of(FOLDER))


@needs_mail
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_nothing_is_found_worse_than_before(question) -> None:
    score = question.score(list(samples()))
    recall, precision = BOUNDS[question.name]
    assert (score.recall >= recall, score.precision >= precision) == (True, True), score


@needs_mail
@pytest.mark.parametrize("sender", ["person", "service"])
def test_no_personal_message_is_refused_for_what_it_says(sender: str) -> None:
    assert refused(list(samples()), "personal", sender) == ()


@needs_mail
def test_a_person_is_never_refused_for_content() -> None:
    assert [sample.name for sample in samples() if sample.stops["person"]] == []


@needs_mail
def test_a_third_is_held_out() -> None:
    held_out = sum(sample.is_held_out for sample in samples())
    assert 0.2 < held_out / len(samples()) < 0.45


def test_without_mail_it_says_what_to_give(tmp_path, capsys) -> None:
    assert main([str(tmp_path)]) == 0
    assert f"give a folder with labels.tsv, or set {NAME}" in capsys.readouterr().out


def test_the_table_counts_what_a_person_labelled(tmp_path, capsys) -> None:
    """Two messages of one's own: what is found, what is missed, and one that is left out."""
    (tmp_path / "labels.tsv").write_text(
        "file\tsource\tclass\thas_postal_address\thas_unsubscribe_link_or_text\tlanguage\tnotes\n"
        "a.eml\tx\tcommercial\ty\ty\ten\t\n"
        "b.eml\tx\tpersonal\tn\tn\ten\t\n"
        "c.eml\tx\tcommercial\ty\ty\ten\tAMBIG\n"
    )
    (tmp_path / "a.eml").write_text(
        "From: news@example.test\nSubject: Sale: 30% off all chairs\n\n30% off, buy now and save.\n"
        "Example Inc., 12 Main Street, Springfield, IL 62701\nTo unsubscribe, open https://www.example.test/u/k3j9\n"
    )
    (tmp_path / "b.eml").write_text("From: kim@example.test\nSubject: Lunch\n\nAt noon?\n")
    assert main([str(tmp_path), "--misses"]) == 0
    out = capsys.readouterr().out
    assert "2 messages (1 commercial, 1 personal)" in out
    assert out.count("1.000   1.000") >= len(QUESTIONS)
    assert "(1 there, 1 found)" in out
