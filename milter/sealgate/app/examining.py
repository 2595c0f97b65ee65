"""The examination of the keys: does each of them sign, and does the DNS publish it?

A gate whose keys do not sign, or whose public keys are not in the DNS, looks healthy: mail flows, and fails where it
arrives. So each loaded key makes a real signature of a small letter, a verifier of other origin judges it by the key's
own public record, and the DNS is asked what it publishes. All of it goes through ports; what a port raises, and what
OpenSSL raises, becomes a word in the result, and no answer of the DNS stays apart from a bad one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from sealgate.app.ports import Dns, PortError
from sealgate.app.runtime import Runtime
from sealgate.mail.address import Address
from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.reply import printable
from sealgate.profile.model import OWN_KEYS, Auid, Domain, Form, Profile
from sealgate.seal.canonical import RelaxedBody, SimpleBody
from sealgate.seal.keys import SigningKey, public_record
from sealgate.seal.plan import NoKey, SealPlan, plan
from sealgate.seal.published import Published, compare
from sealgate.seal.sign import sign

LEAST_SECONDS: Final = 60  # between two questions about one key, whatever its TTL; and until a bad answer is doubted
MOST_SECONDS: Final = 3600  # a TTL counts up to here, and an answer that cannot be had again stands that long
PASS_SECONDS: Final = 10.0  # for all questions of one examination; the rest is asked at the next one

Verify = Callable[[bytes, str, str], str]
"""(message, DNS name, record) -> why its first signature does not verify by that record, or an empty string."""

_LETTER: Final = (
    b"Date: Thu, 01 Jan 2026 00:00:00 +0000", b"From: self-test@%s", b"To: nobody@invalid", b"Subject: self-test",
    b"Message-ID: <self-test@invalid>", b"MIME-Version: 1.0", b"Content-Type: text/plain",
)  # fmt: skip
_BODY: Final = b"This letter is signed, verified and thrown away.\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of the published record of a key.

    Attributes:
        published: the last answer, judged; None: there has been none, or none for `MOST_SECONDS`.
        silence: why the last question had no answer; empty: it had.
        asked, answered: seconds since the epoch; 0: never.
        again: when to ask again.
        is_secure: whether the answer was proven by DNSSEC.
    """

    published: Published | None = None
    silence: str = ""
    asked: float = 0.0
    answered: float = 0.0
    again: float = 0.0
    is_secure: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether signatures made with the key fail at their destination."""
        return self.published is not None and not self.published.is_usable

    @property
    def word(self) -> str:
        """For a machine: a state of `seal.published`, `unknown`, or `unasked`."""
        if self.published is not None:
            return self.published.state.value
        return "unknown" if self.asked else "unasked"


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """One loaded key. `fault` says why its signature does not verify; `is_used`: whether the profile lets it sign."""

    name: str  # of its record: selector._domainkey.domain
    algorithm: str
    fault: str = ""
    answer: Answer = field(default_factory=Answer)
    is_used: bool = True


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination found.

    Attributes:
        digest: of the profile it was about.
        at: when it ended, in seconds since the epoch.
        keyless: what the profile wants signed, and has no key for.
        unsigned: domains whose mail leaves unsigned on purpose.
        fault: why it could not be made.
    """

    digest: str
    at: float
    keys: tuple[KeyHealth, ...] = ()
    keyless: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    fault: str = ""


def examine(
    runtime: Runtime, before: Mapping[str, Answer], verify: Verify, dns: Dns, clock: Callable[[], float]
) -> tuple[Examined, Mapping[str, Answer]]:
    """Try every key, and ask the DNS about those whose answer is due.

    Args:
        runtime: profile and keys in force.
        before: the answers so far, by name and record of the key: a key that was replaced is asked about anew.
        verify: a verifier of other origin than the signer.
        dns: asked within `PASS_SECONDS` all told, the longest due first.
        clock: seconds since the epoch.

    Returns:
        What was found, and the answers to hand in the next time.
    """
    keys = [key for keys in runtime.keys.values() for key in keys]
    records = {key: f"{key.record_name} {public_record(key)}" for key in keys}
    answers = {about: before.get(about, Answer()) for about in records.values()}
    faults = {key: try_key(key, runtime.profile, verify, clock()) for key in keys}
    end = clock() + PASS_SECONDS
    for key in sorted(keys, key=lambda k: answers[records[k]].again):
        known, now = answers[records[key]], clock()
        if now >= end or (known.asked <= now < known.again):  # a clock that was set back makes no answer young
            continue
        below = _names_subdomains(runtime.profile.domains.get(key.domain))
        answers[records[key]] = ask(key, known, dns, now, names_subdomains=below)
    used = frozenset(_used(runtime.profile))
    found = Examined(
        digest=runtime.digest,
        at=clock(),
        keys=tuple(
            KeyHealth(k.record_name, k.algorithm.value, faults[k], answers[records[k]], k.domain in used) for k in keys
        ),
        keyless=tuple(dict.fromkeys(_keyless(runtime))),
        unsigned=tuple(name for name, domain in runtime.profile.domains.items() if not domain.sign),
    )
    return found, MappingProxyType(answers)


def try_key(key: SigningKey, profile: Profile, verify: Verify, now: float) -> str:
    """Sign a letter as a sender's would be signed, and say why the signature does not verify; empty: it does."""
    try:
        message = _signed(key, profile, int(now))
        return printable(verify(message, key.record_name, public_record(key)), 300)
    except Exception as error:  # OpenSSL, a verifier's own faults: whatever it is, this key is not known to sign
        return printable(f"it cannot sign: {error!r}", 300)


def ask(key: SigningKey, before: Answer, dns: Dns, now: float, *, names_subdomains: bool = False) -> Answer:
    """Ask what is published for a key. What cannot be asked again stands for `MOST_SECONDS`, and is unknown then."""
    try:
        found = dns.txt(key.record_name)
    except PortError as error:
        kept = before if now - before.answered <= MOST_SECONDS else Answer()
        return replace(kept, silence=printable(str(error), 200), asked=now, again=now + LEAST_SECONDS)
    published = compare(found.records, key, names_subdomains=names_subdomains)
    # Whoever mends a record waits for us: a bad answer is asked again soon. Caches on the way keep their own time.
    wait = min(max(found.seconds, LEAST_SECONDS), MOST_SECONDS) if published.is_usable else LEAST_SECONDS
    return Answer(published, "", now, now, now + wait, found.is_secure)


def _signed(key: SigningKey, profile: Profile, now: int) -> bytes:
    """A letter under a signature of this key alone, in the form that the profile has for its domain."""
    domain = replace(profile.domains.get(key.domain) or Domain(key.domain, sign=True), sign=True)
    alone = replace(profile, seal=True, signatures=(), domains=MappingProxyType({key.domain: domain}))
    headers = _letter(key.domain)
    planned = plan(headers, Address("self-test", key.domain), alone, {key.domain: (key,)})
    if not isinstance(planned, SealPlan):
        raise TypeError(f"nothing would be signed: {planned}")
    relaxed, simple = RelaxedBody(), SimpleBody()
    relaxed.feed(_BODY)
    simple.feed(_BODY)
    hashes = {Form.RELAXED: relaxed.digest(), Form.SIMPLE: simple.digest()}
    seals = [f"{name}: {value}".replace("\n", "\r\n").encode() for name, value in sign(planned, headers, hashes, now)]
    return b"\r\n".join((*seals, *(f.name + b":" + f.value for f in headers), b"", _BODY))


def _names_subdomains(domain: Domain | None) -> bool:
    return domain is not None and domain.subdomains and domain.auid is not Auid.NONE


def _letter(domain: str) -> Headers:
    return parse_block(line.replace(b"%s", domain.encode()) for line in _LETTER)


def _keyless(runtime: Runtime) -> Iterator[str]:
    """What the profile wants signed and nothing can sign: domains, and keys that a row of `signatures` names."""
    profile = runtime.profile
    for name in profile.domains:
        planned = plan(_letter(name), Address("self-test", name), profile, runtime.keys)
        if isinstance(planned, NoKey):
            yield planned.domain
    for row in profile.signatures if profile.seal else ():
        for name, selector in row.keys:
            loaded = runtime.keys.get(name, ())
            if name != OWN_KEYS and not any(selector in ("", key.selector) for key in loaded):
                yield f"{name} (selector {selector})" if selector else name


def _used(profile: Profile) -> Iterator[str]:
    """The domains whose keys sign something."""
    if not profile.seal:
        return
    yield from (name for name, domain in profile.domains.items() if domain.sign)
    yield from (name for row in profile.signatures for name, _ in row.keys)
