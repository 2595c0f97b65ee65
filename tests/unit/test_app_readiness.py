"""Readiness: every loaded key signs and is verified by other code, the DNS is held against it, silence is no fault."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from sealgate.adapters import verifier
from sealgate.adapters.verifier import verify
from sealgate.app.examining import LEAST_SECONDS, MOST_SECONDS, PASS_SECONDS, Answer, Examined, ask, examine, try_key
from sealgate.app.ports import PortError, Txt
from sealgate.app.readiness import GRACE_SECONDS, STUCK_SECONDS, Staff, judge
from sealgate.app.runtime import Runtime
from sealgate.profile.model import Auid, Domain, Form, Profile, SignatureRow
from sealgate.seal.keys import SigningKey, generate, load, public_record

NOW = float(int(time.time()))  # dkimpy looks at the clock itself
RSA = load(generate("rsa2048"), "example.test", "Rsa1")  # selectors keep their case
ED = load(generate("ed25519"), "example.test", "ed")
OTHER = load(generate("ed25519"), "example.test", "ed")
STAFF = Staff("d", wanted=2, serving=2)


class Zone:
    """A port that answers from a table, and counts; a name that is not in it is not answered."""

    def __init__(self, seconds: int = 300, spends: Callable[[], None] = lambda: None, **records: Txt) -> None:
        self.table = {f"{selector}._domainkey.example.test": txt for selector, txt in records.items()}
        self.asked: list[str] = []
        self._spends = spends

    def txt(self, name: str) -> Txt:
        self.asked.append(name)
        self._spends()
        if name not in self.table:
            raise PortError("no answer in time\x1b[31m")
        return self.table[name]


def txt(*keys: SigningKey, seconds: int = 300) -> Txt:
    return Txt(tuple(public_record(key).encode() for key in keys), False, seconds)


def runtime(*keys: SigningKey, profile: Profile | None = None) -> Runtime:
    by_domain: dict[str, tuple[SigningKey, ...]] = {}
    for key in keys:
        by_domain[key.domain] = (*by_domain.get(key.domain, ()), key)
    usual = Profile(seal=True, domains=MappingProxyType({"example.test": Domain("example.test", True)}))
    return Runtime(profile or usual, "d", MappingProxyType(by_domain))


def look(made: Runtime, zone: Zone, now: float = NOW) -> Examined:
    return examine(made, {}, verify, zone, lambda: now)[0]


# -- signing and verifying


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("header", list(Form))
@pytest.mark.parametrize("body", list(Form))
@pytest.mark.parametrize("has_nacl", [True, False])
def test_a_key_that_signs_is_verified_by_other_code_in_every_form(
    key: SigningKey, header: Form, body: Form, has_nacl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "HAS_NACL", has_nacl and verifier.HAS_NACL)
    domain = Domain("example.test", False, header_form=header, body_form=body, auid=Auid.AUTHOR, ttl=3600)
    profile = Profile(domains=MappingProxyType({"example.test": domain}))
    assert try_key(key, profile, verify, NOW) == ""


@pytest.mark.parametrize("has_nacl", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), [(ED, OTHER), (RSA, ED), (ED, RSA)])
def test_a_signature_is_not_taken_under_the_record_of_another_key(
    ours: SigningKey, theirs: SigningKey, has_nacl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "HAS_NACL", has_nacl and verifier.HAS_NACL)

    def misled(message: bytes, name: str, record: str) -> str:
        return verify(message, name, public_record(theirs))

    assert try_key(ours, Profile(), misled, NOW) != ""


@pytest.mark.parametrize("has_nacl", [True, False])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: m.replace(b"thrown away", b"kept for ever"),
        lambda m: m.replace(b"Subject: self-test", b"Subject: other"),
        lambda m: m.replace(b"b=", b"b=AAAA", 2),
        lambda m: m.partition(b"\r\nDate:")[2],
        lambda m: b"",
    ],
    ids=["body", "header", "signature", "no signature", "nothing"],
)
def test_a_spoilt_letter_does_not_verify(
    spoil: Callable[[bytes], bytes], has_nacl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "HAS_NACL", has_nacl and verifier.HAS_NACL)
    assert try_key(ED, Profile(), lambda m, n, r: verify(spoil(m), n, r), NOW)


def test_a_verifier_that_breaks_is_a_fault_of_the_key_and_nothing_else() -> None:
    def breaks(message: bytes, name: str, record: str) -> str:
        raise RuntimeError("oh\n\x1b")

    fault = try_key(RSA, Profile(), breaks, NOW)
    assert "oh" in fault
    assert fault.isprintable()
    found = examine(runtime(RSA), {}, breaks, Zone(Rsa1=txt(RSA)), lambda: NOW)[0]
    (reason,) = judge(STAFF, found, NOW).reasons
    assert reason.startswith("Rsa1._domainkey.example.test: signatures made with this key do not verify")


# -- the DNS


def test_published_keys_are_ready_without_a_word() -> None:
    found = look(runtime(RSA, ED), Zone(Rsa1=txt(RSA), ed=txt(ED)))
    assert [key.answer.word for key in found.keys] == ["ok", "ok"]
    assert judge(STAFF, found, NOW).is_ready
    assert judge(STAFF, found, NOW).warnings == ()


@pytest.mark.parametrize("published", [txt(OTHER), txt(), Txt((b"v=DKIM1; k=ed25519; p=",)), txt(ED, OTHER)])
def test_a_key_that_fails_at_its_destination_is_not_ready_and_says_what_to_do(published: Txt) -> None:
    readiness = judge(STAFF, look(runtime(ED), Zone(ed=published)), NOW)
    (reason,) = readiness.reasons
    assert "ed._domainkey.example.test" in reason
    assert "every signature made with this key fails where it arrives; " in reason


def test_silence_is_unknown_and_ready() -> None:
    found = look(runtime(ED), Zone())
    assert found.keys[0].answer.word == "unknown"
    readiness = judge(STAFF, found, NOW)
    assert readiness.is_ready
    (warning,) = readiness.warnings
    assert "no answer in time" in warning
    assert "\x1b" not in warning


def test_a_key_in_testing_is_a_warning() -> None:
    record = Txt((public_record(ED).replace("; k=", "; t=y; k=", 1).encode(),), False, 300)
    readiness = judge(STAFF, look(runtime(ED), Zone(ed=record)), NOW)
    assert readiness.is_ready
    assert "t=y" in readiness.warnings[0]


@pytest.mark.parametrize(
    ("ttl", "waits"), [(0, LEAST_SECONDS), (59, LEAST_SECONDS), (300, 300), (86_400, MOST_SECONDS)]
)
def test_a_good_answer_is_kept_for_its_ttl_within_bounds(ttl: int, waits: int) -> None:
    assert ask(ED, Answer(), Zone(ed=txt(ED, seconds=ttl)), NOW).again == NOW + waits


def test_a_bad_answer_is_doubted_soon_whatever_its_ttl() -> None:
    assert ask(ED, Answer(), Zone(ed=txt(OTHER, seconds=86_400)), NOW).again == NOW + LEAST_SECONDS


@pytest.mark.parametrize("before", [txt(ED), txt(OTHER)])
def test_an_answer_stands_through_silence_for_an_hour(before: Txt) -> None:
    first = ask(ED, Answer(), Zone(ed=before), NOW)
    later = ask(ED, first, Zone(), NOW + MOST_SECONDS)
    assert (later.word, later.answered, later.asked) == (first.word, NOW, NOW + MOST_SECONDS)
    assert ask(ED, later, Zone(), NOW + MOST_SECONDS + 1).word == "unknown"


def test_answers_are_asked_for_only_when_they_are_due_and_a_clock_set_back_asks_anew() -> None:
    zone = Zone(ed=txt(ED))
    _, answers = examine(runtime(ED), {}, verify, zone, lambda: NOW)
    for later, questions in ((NOW + 299, 1), (NOW + 300, 2), (NOW - 5000, 2)):
        examine(runtime(ED), answers, verify, zone, lambda later=later: later)  # type: ignore[misc]
        assert len(zone.asked) == questions + (later < NOW)


def test_a_replaced_key_is_asked_about_anew() -> None:
    zone = Zone(ed=txt(ED))
    _, answers = examine(runtime(ED), {}, verify, zone, lambda: NOW)
    found, _ = examine(runtime(OTHER), answers, verify, zone, lambda: NOW + 1)
    assert found.keys[0].answer.word == "other-key"


def test_a_slow_dns_ends_within_its_seconds_and_the_rest_comes_first_the_next_time() -> None:
    clock = [NOW]

    def three_seconds() -> None:
        clock[0] += 3.0

    keys = [load(generate("ed25519"), "example.test", f"s{i}") for i in range(6)]
    zone = Zone(spends=three_seconds)
    found, answers = examine(runtime(*keys), {}, verify, zone, lambda: clock[0])
    assert clock[0] - NOW <= PASS_SECONDS + 3.0
    assert [key.answer.word for key in found.keys] == ["unknown"] * 4 + ["unasked"] * 2
    examine(runtime(*keys), answers, verify, zone, lambda: clock[0])
    assert zone.asked[4:6] == ["s4._domainkey.example.test", "s5._domainkey.example.test"]


# -- what the profile wants


def test_a_domain_to_be_signed_without_a_key_is_not_ready() -> None:
    domains = {"example.test": Domain("example.test", True), "keyless.test": Domain("keyless.test", True)}
    profile = Profile(seal=True, domains=MappingProxyType(domains))
    found = look(runtime(ED, profile=profile), Zone(ed=txt(ED)))
    assert found.keyless == ("keyless.test",)
    assert "keyless.test" in judge(STAFF, found, NOW).reasons[0]


def test_a_row_that_names_a_key_that_is_not_loaded_is_not_ready() -> None:
    profile = Profile(
        seal=True,
        domains=MappingProxyType({"example.test": Domain("example.test", True)}),
        signatures=(SignatureRow((("example.test", "gone"),), identities=("newsletter",)),),
    )
    assert look(runtime(ED, profile=profile), Zone(ed=txt(ED))).keyless == ("example.test (selector gone)",)


def test_a_domain_that_is_not_signed_on_purpose_is_named_and_its_keys_are_no_reason() -> None:
    profile = Profile(seal=True, domains=MappingProxyType({"example.test": Domain("example.test", False)}))
    found = look(runtime(ED, profile=profile), Zone(ed=txt(OTHER)))
    assert found.unsigned == ("example.test",)
    readiness = judge(STAFF, found, NOW)
    assert readiness.is_ready
    assert "another key" in readiness.warnings[0]


def test_where_nothing_is_sealed_on_purpose_the_gate_is_ready_and_says_so() -> None:
    profile = Profile(seal=False, domains=MappingProxyType({"example.test": Domain("example.test", True)}))
    found = look(runtime(profile=profile), Zone())
    assert judge(replace(STAFF, seals=False), found, NOW).warnings == (
        "the profile says `seal: off`: nothing is signed, on purpose",
    )


# -- the children

GOOD = Examined("d", NOW)


@pytest.mark.parametrize(
    ("staff", "is_ready", "says"),
    [
        (STAFF, True, ""),
        (replace(STAFF, serving=1), True, "degraded: 1 of 2 workers are not running"),
        (replace(STAFF, serving=0), False, "no worker has the profile in force"),
        (replace(STAFF, serving=1, silent=1), True, "1 of 2 workers silent"),
        (replace(STAFF, serving=0, silent=2), False, "no worker has the profile in force"),
        (replace(STAFF, serving=0, behind=2, behind_for=1.0), True, ""),  # in the middle of a reload
        (replace(STAFF, serving=0, behind=1, behind_for=1.0), True, "degraded: 1 of 2"),
        (replace(STAFF, serving=1, behind=1, behind_for=GRACE_SECONDS), True, ""),
        (replace(STAFF, serving=1, behind=1, behind_for=GRACE_SECONDS + 1), False, "may sign with what was there"),
        (replace(STAFF, writer="no answer in time"), False, "nothing can be recorded"),
        (replace(STAFF, kept=("rsa._domainkey.example.test: it is damaged",)), True, "still signs with the key it had"),
        (replace(STAFF, failed_reload="line 3: nonsense"), True, "line 3: nonsense"),
        (replace(STAFF, digest="e"), True, "are being tried"),
        (None, False, "starting"),
    ],
)
def test_what_the_supervisor_says_counts(staff: Staff | None, is_ready: bool, says: str) -> None:
    readiness = judge(staff, GOOD, NOW)
    assert readiness.is_ready is is_ready
    said = readiness.warnings if is_ready else readiness.reasons
    assert len(said) == bool(says)
    assert says in "".join(said)


def test_no_examination_a_failed_one_and_an_old_one_are_not_ready() -> None:
    assert judge(STAFF, None, NOW).reasons == ("the keys have not been tried yet",)
    assert "boom" in judge(STAFF, replace(GOOD, fault="boom"), NOW).reasons[0]
    assert judge(STAFF, GOOD, NOW + STUCK_SECONDS).is_ready
    assert "hangs" in judge(STAFF, GOOD, NOW + STUCK_SECONDS + 1).reasons[0]


def test_the_letter_is_small_and_for_nobody() -> None:
    seen: list[bytes] = []
    try_key(ED, Profile(), lambda m, n, r: seen.append(m) or "", NOW)  # type: ignore[func-returns-value]
    assert b"\r\nTo: nobody@invalid\r\n" in seen[0]
    assert len(seen[0]) < 1500
