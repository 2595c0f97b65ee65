"""Every option of opendkim.conf(5), and what becomes of it when a configuration is imported.

A table of data: `OPTIONS` by lower-case name. An option is carried over into the profile, is needless there, is left
out without changing which message gets which signature, or would change it and stops the import. A test holds the table
against the manual page of the installed OpenDKIM, so that none is forgotten; its sources know some more.
"""

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class Kind(enum.StrEnum):
    """How the value of an option is read."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    TEXT = "string"
    DATASET = "dataset"


class Fate(enum.StrEnum):
    """What becomes of an option."""

    CARRIED = "carried over"
    NEEDLESS = "needless"
    LEFT = "not carried over"
    CHANGES = "not supported"  # and other signatures would come of it


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name as the manual writes it, and what is said of it to the person who used it."""

    name: str
    kind: Kind
    fate: Fate
    says: str


_LOG: Final = "the log goes to the journal, one line of JSON a decision; `log_level` in sealgate.yaml"
_UNIT: Final = "systemd/sealgate.service says how the daemon runs"
_VERIFY: Final = "it is about checking what comes in, which sealgate does not do; keep OpenDKIM for that, with `Mode v`"
_LDAP: Final = "it is for `ldap:` data sets, each of which is named where it is used"
_LUA: Final = "no script can be run: say what it does in `signatures:` or leave the mail to OpenDKIM"
_FORM: Final = "the form of a message is judged by rules of its own: doc/rules.md"
_VBR: Final = "VBR (RFC 5518) is not known here"
_STATS: Final = "the audit file holds every decision; `sealgate audit` reads it"
_RESIGN: Final = "nothing is signed again by recipient: name the mail's senders as an identity of `kind: forwarder`"
_BODY: Final = "no signature says `l=`: whoever comes after could add to the message (RFC 6376 8.2)"
_HEADERS: Final = "which header fields are signed is fixed: doc/migration.md compares the lists"

# Kind and fate by letter; then name and words.
_KINDS: Final = {"b": Kind.BOOLEAN, "i": Kind.INTEGER, "s": Kind.TEXT, "d": Kind.DATASET}
_FATES: Final = {"+": Fate.CARRIED, "0": Fate.NEEDLESS, "-": Fate.LEFT, "!": Fate.CHANGES}
_ROWS: Final = (
    ("b-", "AllowSHA1Only", _VERIFY),
    ("b-", "AlwaysAddARHeader", _VERIFY),
    ("d!", "ATPSDomains", "no signature says `atps=` (RFC 6541); sign with a key of the author's own domain"),
    ("s-", "ATPSHashAlgorithm", "no signature says `atps=` (RFC 6541)"),
    ("s-", "AuthservID", f"{_VERIFY}; what claims to be a result of yours is refused: `authserv_ids:` names them"),
    ("b-", "AuthservIDWithJobID", _VERIFY),
    ("b0", "AutoRestart", "a supervisor restarts its workers"),
    ("i0", "AutoRestartCount", "a supervisor restarts its workers"),
    ("s0", "AutoRestartRate", "a supervisor restarts its workers"),
    ("b0", "Background", _UNIT),
    ("s+", "BaseDirectory", "paths are written out"),
    ("d!", "BodyLengthDB", _BODY),
    ("s-", "BogusKey", _VERIFY),
    ("s+", "Canonicalization", "`canonicalization` of each domain"),
    ("b0", "CaptureUnknownErrors", "an error of ours defers the message (451)"),
    ("s0", "ChangeRootDirectory", _UNIT),
    ("i-", "ClockDrift", _VERIFY),
    (
        "s!",
        "DefaultSender",
        "a message without an author that can be read is not signed, and is refused in `mode: enforce`",
    ),
    ("b-", "Diagnostics", "no signature says `z=`: it is for debugging, and repeats the header"),
    ("s-", "DiagnosticDirectory", _VERIFY),
    ("b0", "DisableCryptoInit", "it concerns OpenDKIM's own TLS library"),
    ("b-", "DNSConnect", _VERIFY),
    ("i-", "DNSTimeout", _VERIFY),
    ("d+", "Domain", "`domains:`"),
    ("b-", "DomainKeysCompat", _VERIFY),
    ("d!", "DontSignMailTo", "nothing is left unsigned by recipient; a signature does its reader no harm"),
    ("b0", "EnableCoredumps", _UNIT),
    ("d+", "ExemptDomains", "`sign: no`"),
    ("d0", "ExternalIgnoreList", "it only keeps a line out of OpenDKIM's log"),
    ("s!", "FinalPolicyScript", _LUA),
    ("b-", "FixCRLF", "bare CR and LF are hashed as they are"),
    ("s!", "FlowData", "limits by OpenDKIM are not carried over"),
    ("i-", "FlowDataFactor", "limits by OpenDKIM are not carried over"),
    ("i-", "FlowDataTTL", "limits by OpenDKIM are not carried over"),
    ("s!", "IdentityHeader", "`i=` comes from the author alone: `auid` of each domain"),
    ("b-", "IdentityHeaderRemove", "no field is taken out"),
    ("b-", "IgnoreMalformedMail", _FORM),
    ("s+", "Include", "read in its place"),
    ("d+", "InternalHosts", "an identity with `networks`"),
    ("b-", "KeepAuthResults", _VERIFY),
    ("b0", "KeepTemporaryFiles", "no temporary files are made"),
    ("s+", "KeyFile", "`keys` of each domain"),
    ("d+", "KeyTable", "`keys` of each domain"),
    ("s-", "LDAPAuthMechanism", _LDAP),
    ("s-", "LDAPAuthName", _LDAP),
    ("s-", "LDAPAuthRealm", _LDAP),
    ("s-", "LDAPAuthUser", _LDAP),
    ("s-", "LDAPBindPassword", _LDAP),
    ("s-", "LDAPBindUser", _LDAP),
    ("b-", "LDAPDisableCache", _LDAP),
    ("i-", "LDAPKeepaliveIdle", _LDAP),
    ("i-", "LDAPKeepaliveInterval", _LDAP),
    ("i-", "LDAPKeepaliveProbes", _LDAP),
    ("i-", "LDAPTimeout", _LDAP),
    ("b-", "LDAPUseTLS", _LDAP),
    ("b0", "LogResults", _LOG),
    ("b0", "LogWhy", "the record of every message says why it was signed or not"),
    ("b!", "LuaOnlySigning", _LUA),
    (
        "d!",
        "MacroList",
        "only logins and networks are trusted: a client trusted by a macro needs an identity of its own",
    ),
    ("i0", "MaximumHeaders", "a header block has caps that cannot be set; beyond them the message is refused"),
    ("i-", "MaximumSignaturesToVerify", _VERIFY),
    ("i!", "MaximumSignedBytes", _BODY),
    ("i0", "MilterDebug", _LOG),
    ("s-", "Minimum", _VERIFY),
    ("i-", "MinimumKeyBits", f"{_VERIFY}; keys that sign need 2048 bits (RFC 8301 3.2)"),
    ("s+", "Mode", "signing only"),
    (
        "d!",
        "MTA",
        "only logins and networks are trusted: a client trusted by its listener needs an identity of its own",
    ),
    ("s-", "MTACommand", _VERIFY),
    ("b+", "MultipleSignatures", "rows without `last: yes`"),
    ("d-", "MustBeSigned", _VERIFY),
    ("s-", "Nameservers", f"{_VERIFY}; `dns_servers` in sealgate.yaml"),
    ("b-", "NoHeaderB", _VERIFY),
    ("d-", "OmitHeaders", _HEADERS),
    ("s-", "On-BadSignature", _VERIFY),
    ("s-", "On-Default", f"{_VERIFY}; an error of ours defers the message (451)"),
    ("s-", "On-DNSError", _VERIFY),
    ("s-", "On-InternalError", "an error of ours defers the message (451)"),
    ("s-", "On-KeyNotFound", _VERIFY),
    ("s-", "On-NoSignature", _VERIFY),
    ("s-", "On-Security", _VERIFY),
    ("s-", "On-SignatureError", "what cannot be signed is deferred (451), never refused and never sent bare"),
    ("d-", "OversignHeaders", _HEADERS),
    ("d!", "PeerList", "no client passes unjudged by its address: give such clients a listener, and say `pass` of it"),
    ("s0", "PidFile", _UNIT),
    ("d!", "POPDBFile", "POP before SMTP is no login; let people log in with SMTP AUTH"),
    ("b-", "Quarantine", _VERIFY),
    ("b-", "QueryCache", _VERIFY),
    ("s!", "RateLimits", "limits by OpenDKIM are not carried over"),
    ("s-", "RedirectFailuresTo", _VERIFY),
    ("b-", "RemoveARAll", _VERIFY),
    ("d-", "RemoveARFrom", _VERIFY),
    ("b-", "RemoveOldSignatures", "signatures that a message brings along stay; they are as good as they were"),
    ("d-", "ReplaceHeaders", "it narrows ReplaceRules, which is named itself"),
    ("s!", "ReplaceRules", "the header is signed as the MTA hands it over; let the MTA rewrite before the milter"),
    ("s-", "ReportAddress", _VERIFY),
    ("s-", "ReportBccAddress", _VERIFY),
    ("b-", "RequestReports", "no signature says `r=y` (RFC 6651)"),
    ("b-", "RequiredHeaders", _FORM),
    ("b0", "RequireSafeKeys", "a key that others than its owner can read is always refused"),
    ("b!", "ResignAll", _RESIGN),
    ("d!", "ResignMailTo", _RESIGN),
    ("s-", "ResolverConfiguration", _VERIFY),
    ("b-", "ResolverTracing", _VERIFY),
    ("s-", "ScreenPolicyScript", _VERIFY),
    ("s-", "SelectCanonicalizationHeader", "no field of a message chooses its canonicalization"),
    ("s+", "Selector", "`keys` of each domain"),
    ("d!", "SenderHeaders", "the author is who stands in From, and nobody else (RFC 5322 3.6.2)"),
    ("s!", "SenderMacro", "the author is who stands in From, and nobody else (RFC 5322 3.6.2)"),
    ("b-", "SendReports", _VERIFY),
    ("s!", "SetupPolicyScript", _LUA),
    ("s+", "SignatureAlgorithm", "the key's own: rsa-sha256 or ed25519-sha256"),
    ("i+", "SignatureTTL", "`signature_ttl` of each domain"),
    ("d-", "SignHeaders", _HEADERS),
    ("d+", "SigningTable", "`domains:` and, where these do not say it, `signatures:`"),
    ("s-", "SMTPURI", _VERIFY),
    ("s-", "Socket", "`socket` in sealgate.yaml; with another path or port OpenDKIM can stay until you switch"),
    ("b-", "SoftStart", _LDAP),
    ("b-", "SoftwareHeader", "no field names the software"),
    ("s-", "Statistics", _STATS),
    ("s-", "StatisticsName", _STATS),
    ("s-", "StatisticsPolicyScript", _STATS),
    ("s-", "StatisticsPrefix", _STATS),
    ("b-", "StrictHeaders", _FORM),
    ("b-", "StrictTestMode", "it is for OpenDKIM's test mode; `sealgate screen` is ours"),
    ("b+", "SubDomains", "`subdomains: yes`"),
    ("b0", "Syslog", _LOG),
    ("s0", "SyslogFacility", _LOG),
    ("s0", "SyslogName", _LOG),
    ("b0", "SyslogSuccess", _LOG),
    ("s0", "TemporaryDirectory", "no temporary files are made"),
    ("d-", "TestDNSData", _VERIFY),
    ("s-", "TestPublicKeys", _VERIFY),
    ("s-", "TrustAnchorFile", _VERIFY),
    ("d-", "TrustSignaturesFrom", _VERIFY),
    ("i0", "UMask", "`socket_mode` in sealgate.yaml; a Unix socket is made with 0660"),
    ("s-", "UnprotectedKey", _VERIFY),
    ("s-", "UserID", f"{_UNIT}; the keys must be readable by that account"),
    ("s-", "VBR-Certifiers", _VBR),
    ("s-", "VBR-PurgeFields", _VBR),
    ("s-", "VBR-TrustedCertifiers", _VBR),
    ("b-", "VBR-TrustedCertifiersOnly", _VBR),
    ("s-", "VBR-Type", _VBR),
    ("b-", "WeakSyntaxChecks", _FORM),
    ("b-", "X-Header", "no field names the software"),
)
OPTIONS: Final = MappingProxyType(
    {name.lower(): Option(name, _KINDS[marks[0]], _FATES[marks[1]], says) for marks, name, says in _ROWS}
)
"""By lower-case name: OpenDKIM reads names without case."""

ASKED: Final = frozenset(
    key for key, option in OPTIONS.items() if option.fate in (Fate.CARRIED, Fate.CHANGES) and key != "include"
)
"""What decides which message gets which signature: handed to OpenDKIM when both are compared."""
