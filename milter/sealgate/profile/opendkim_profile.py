"""A profile out of an OpenDKIM configuration: the same mail signed with the same keys, nothing refused yet.

`import_opendkim` reads everything through the `Files` it is given and returns the text of a commented profile with all
that there is to say about it. The text is read by our own parser before it is handed out, so what the profile cannot
hold (a selector that is none, two keys under one name) is a remark too. Nothing raises.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sealgate.profile.lint import check_profile
from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Configuration, Files, Remark, Remarks, Spot, read_configuration
from sealgate.profile.opendkim_fields import Lists, judge_fields
from sealgate.profile.opendkim_hosts import Block, is_here, read_hosts
from sealgate.profile.opendkim_plan import DomainPlan, Plan, plan_signing
from sealgate.profile.opendkim_signing import read_rules

_FORMS: Final = ("simple", "relaxed")
_ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")
_SPANS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_HEAD: Final = """\
# Made by `sealgate import opendkim {file}`.
# The same mail is signed with the same keys as OpenDKIM does, and nothing is refused: mode is `report`.
# conf/profile.yaml of the distribution explains every field; doc/migration.md the way from here.

version: 1
mode: report
seal: on

# OpenDKIM knows no listeners, so mail of every service of the MTA is looked at. What comes from a client that has
# neither logged in nor stands under `networks` below is not signed.
unnamed_listeners: judge
"""
_TAIL: Final = """\
# What to do next; each step can wait, and until the last nothing is refused.
#  1. Let the daemon read the keys: `install -o sealgate -m 0600 FROM TO`, and the new paths under `keys`.
#     `sealgate check` names what is still in the way.
#  2. `sealgate import opendkim --compare {file} --profile THIS-FILE letters/`: the same signatures?
#  3. Put the milter's socket in OpenDKIM's place in smtpd_milters and non_smtpd_milters, and reload the MTA. Do not run
#     both over the same mail: each would sign it.
#  4. Name the listeners: milter_macro_daemon_name in Postfix's master.cf, then
#       listeners: {{submission: judge, smtpd: pass}}
#     and `unnamed_listeners: tempfail`.
#  5. Say who logs in, and which addresses are theirs: `sealgate audit suggest` proposes it from what was seen;
#       logins:
#         - {{listener: submission, mechanism: GSSAPI, spelled: "{{user}}", principal: "{{user}}@EXAMPLE.TEST"}}
#       identities:
#         staff: {{principals: ["{{user}}@EXAMPLE.TEST"], senders: ["{{user}}@{domain}"]}}
#  6. When nothing surprising is reported any more: `mode: enforce`.
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What came of it.

    Attributes:
        text: of the profile, also where something could not be carried over.
        remarks: by file and line.
        asking: a configuration by which OpenDKIM can be asked what it signs; see `Configuration.asking`.
        networks: of clients that are trusted without a login.
    """

    text: str
    remarks: tuple[Remark, ...]
    asking: str
    networks: tuple[Block, ...]

    @property
    def stops(self) -> bool:
        """Whether something would be signed otherwise than before."""
        return any(remark.stops for remark in self.remarks)


def import_opendkim(file: str, files: Files, lists: Lists, known_rules: frozenset[str] = frozenset()) -> Import:
    """Read a configuration and what it names, and write a profile.

    Args:
        file: the name of opendkim.conf.
        files: opens it.
        lists: the header fields that are signed here.
        known_rules: codes that a profile may name; none is written.
    """
    remarks = Remarks()
    conf = read_configuration(file, files, remarks)
    _mode(conf, remarks)
    _algorithm(conf, remarks)
    form, ttl = _form(conf, remarks), _ttl(conf, remarks)
    judge_fields(conf, files, lists, remarks)
    plan = plan_signing(read_rules(conf, files, remarks), remarks)
    networks = read_hosts(conf, files, remarks)
    if not plan.domains and not remarks.stops:
        remarks.stop(Spot(file), "no domain is signed")
    text = "\n".join(_written(conf, plan, networks, form, ttl))
    if not remarks.stops:  # else it lacks what was left out
        _, problems = check_profile(text, "the profile", known_rules=known_rules)
        for problem in problems:
            if problem.is_error:
                remarks.stop(Spot(file), f"the profile cannot hold it: {problem.message}", problem.suggestion)
    files_in_order = list(dict.fromkeys((file, *(remark.at.file for remark in remarks.collected))))
    found = sorted(remarks.collected, key=lambda remark: (files_in_order.index(remark.at.file), remark.at.line))
    if remarks.unlisted:
        found.append(Remark(Spot(file), f"{remarks.unlisted:,} more remarks are not listed", stops=remarks.stops > 0))
    return Import(text, tuple(found), conf.asking, networks)


def _mode(conf: Configuration, remarks: Remarks) -> None:
    mode = conf.text("Mode").lower()
    if mode and "s" not in mode:
        remarks.stop(conf.at("Mode"), f"Mode {shown(mode)} signs nothing", "import the configuration that signs")
    elif not mode or "v" in mode:
        hint = "keep an OpenDKIM with `Mode v` for what comes in; AuthservID, On-... and the like belong to that"
        remarks.note(conf.at("Mode"), "OpenDKIM checks signatures of incoming mail here; sealgate does not", hint)


def _algorithm(conf: Configuration, remarks: Remarks) -> None:
    name = conf.text("SignatureAlgorithm").lower()
    if name and name not in _ALGORITHMS:
        hint = "RFC 8301 3.1: SHA-1 must not be used; take it out, and rsa-sha256 it is"
        remarks.stop(conf.at("SignatureAlgorithm"), f"SignatureAlgorithm {shown(name)} is not supported", hint)


def _form(conf: Configuration, remarks: Remarks) -> str:
    """`canonicalization`; OpenDKIM's own default is simple/simple, and of one word alone the body is simple."""
    value = conf.text("Canonicalization").lower() or "simple/simple"
    head, _, body = value.partition("/")
    if head not in _FORMS or (body or "simple") not in _FORMS:
        remarks.stop(conf.at("Canonicalization"), f"Canonicalization {shown(value)} is none (RFC 6376 3.4)")
        return "relaxed/relaxed"
    return f"{head}/{body or 'simple'}"


def _ttl(conf: Configuration, remarks: Remarks) -> str:
    value = conf.text("SignatureTTL")
    if not value:
        return ""
    seconds = int(value, 16 if value.lower().startswith("0x") else 10)
    if seconds < 0:
        remarks.stop(conf.at("SignatureTTL"), "SignatureTTL is negative")
    if seconds <= 0:
        return ""
    size, letter = next((size, letter) for size, letter in _SPANS if seconds % size == 0)
    return f"{seconds // size}{letter}"


def _written(conf: Configuration, plan: Plan, networks: tuple[Block, ...], form: str, ttl: str) -> Iterator[str]:
    here = is_here(networks)
    signed = [f"@{domain.name}" for domain in plan.domains if domain.sign]
    signed += [text for row in plan.rows for text in row.authors if text != "*" and "@." not in text]
    yield _HEAD.format(file=_plain(conf.file))
    yield "# Mail by sendmail(1) on this host: OpenDKIM sees it come from 127.0.0.1."
    yield f"local_submission: {'judge' if here else 'pass'}"
    yield ""
    yield from _domains(plan.domains, form, ttl)
    yield from _signatures(plan)
    yield from _identities(networks, here, signed)
    first = signed[0].rpartition("@")[2] if signed else "example.test"
    yield from _TAIL.format(file=_plain(conf.file), domain=first).split("\n")


def _domains(domains: tuple[DomainPlan, ...], form: str, ttl: str) -> Iterator[str]:
    if not domains:
        return
    if any(not domain.sign and domain.keys for domain in domains):
        yield "# `sign: no` with keys: they sign only what `signatures` names them for."
    yield "domains:"
    for domain in domains:
        yield f"  {_text(domain.name)}:"
        yield f"    sign: {'yes' if domain.sign else 'no'}"
        if domain.subdomains:
            yield "    subdomains: yes"
        if not domain.keys:
            continue
        yield f"    canonicalization: {form}"
        if domain.auid:
            yield f"    auid: {domain.auid}"
        if ttl:
            yield f"    signature_ttl: {ttl}"
        yield "    keys:"
        for use in domain.keys:
            yield f"      - {{selector: {_text(use.selector)}, file: {_text(use.path)}}}"
    yield ""


def _signatures(plan: Plan) -> Iterator[str]:
    if not plan.rows:
        return
    yield "# Which keys sign whose mail, in OpenDKIM's order; `last: yes` ends the search, as it does without"
    yield "# MultipleSignatures."
    yield "signatures:"
    for row in plan.rows:
        last = ", last: yes" if row.last else ""
        auid = f", auid: {_text(row.auid)}" if row.auid else ""
        yield f"  - {{authors: [{_list(row.authors)}], keys: [{_list(row.keys)}]{auid}{last}}}"
    yield ""


def _identities(networks: tuple[Block, ...], here: bool, signed: list[str]) -> Iterator[str]:
    if not networks and not here:
        return
    senders = f"    senders: [{_list(dict.fromkeys(signed))}]" if signed else ""
    yield "# Who sends without a login. `senders` is a first guess, and what does not fit is only reported."
    yield "identities:"
    if networks:
        yield "  trusted-hosts:   # InternalHosts"
        yield f"    networks: [{_list(str(block) for block in networks)}]"
        yield from ("    kind: service", "    class: auto", *filter(None, [senders]))
    if here:
        yield "  this-host:"
        yield "    local: yes"
        yield from ("    kind: service", "    class: auto", *filter(None, [senders]))
    yield ""


def _list(texts: Iterable[str]) -> str:
    return ", ".join(_text(text) for text in texts)


def _text(text: str) -> str:
    """A text as YAML; in double quotes, which JSON's are, where it is not plain beyond doubt."""
    plain = text[:1].isalnum() and all(c.isalnum() or c in "._-/" for c in text) and text.isascii()
    looks_like_more = text.replace(".", "").isdigit()
    slash = text.startswith("/") and all(c.isalnum() or c in "._-/" for c in text) and text.isascii()
    return text if (plain or slash) and not looks_like_more else json.dumps(text)


def _plain(text: str) -> str:
    """A path for a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)
