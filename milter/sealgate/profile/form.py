"""The form of the profile, version 1, as data: which fields each section may have, and the words a field may hold.

The parser reads by these tables, and the sample and the manual page are tested against them, so that no field can be
added without being documented.
"""

from types import MappingProxyType
from typing import Final

from sealgate.profile.model import Auid, Form, Kind, MailClass, Mta, OneClick, ReplyTo, SenderFormat, Showing

VERSION: Final = 1

# Section -> fields it may have. Sections that the operator names (a listener, a domain) stand as `*`.
KNOWN_KEYS: Final = MappingProxyType(
    {
        "": (
            "version", "mode", "seal", "listeners", "local_submission", "unnamed_listeners", "realms", "logins",
            "domains", "signatures", "postal_addresses", "local_parts", "recipient_delimiter", "identities", "groups",
            "delegations", "several_authors", "reply_to", "protected", "authserv_ids", "mta", "law",
            "tracking_hosts", "record", "rules",
        ),
        "logins[]": ("listener", "mechanism", "spelled", "principal", "encoding"),
        "domains.*": ("sign", "keys", "subdomains", "canonicalization", "auid", "timestamp", "signature_ttl"),
        "domains.*.keys[]": ("selector", "file"),
        "signatures[]": ("authors", "identities", "keys", "auid", "last"),
        "identities.*": (
            "principals", "kind", "class", "networks", "certificates", "local", "only_from", "mechanisms",
            "min_cipher_bits", "senders", "postal_addresses", "consent", "one_click", "sexually_explicit",
            "opt_out_hosts",
        ),
        "identities.*.certificates[]": ("subject", "issuer"),
        "identities.*.senders": ("file", "format", "realm"),
        "delegations.*": ("senders", "members", "sender_field"),
        "protected.*": ("senders",),
        "record": ("recipients", "subject", "keep_lines", "keep_personal", "legal_hold"),
        "rules.*": ("mode", "action", "listeners"),
    }
)  # fmt: skip
CHOICES: Final = MappingProxyType(
    {
        "mode": ("report", "enforce"),
        "listeners.*": ("judge", "report", "enforce", "pass"),
        "local_submission": ("judge", "report", "enforce", "pass"),
        "unnamed_listeners": ("tempfail", "pass", "judge"),
        "logins[].encoding": ("plain", "xtext"),
        "domains.*.canonicalization": tuple(f"{head}/{body}" for head in Form for body in Form),
        "domains.*.auid": tuple(Auid),
        "local_parts": ("fold", "exact"),
        "realms.*": ("exact", "fold"),
        "reply_to": tuple(ReplyTo),
        "mta": tuple(Mta),
        "law": ("us",),
        "record.recipients": tuple(Showing),
        "record.subject": tuple(Showing),
        "identities.*.one_click": tuple(OneClick),
        "identities.*.senders.format": tuple(SenderFormat),
        "delegations.*.sender_field": ("optional", "required"),
        "identities.*.kind": tuple(Kind),
        "identities.*.class": tuple(MailClass),
        "rules.*.mode": ("off", "report", "enforce"),
        "rules.*.action": ("reject", "tempfail", "quarantine", "remove"),
        "rules.*.listeners.*": ("off", "report", "enforce"),
    }
)
_CIPHER: Final = "an MTA tells a milter the strength of TLS ({cipher_bits}), and Postfix not that of SASL ({auth_ssf})"
_FINGERPRINT: Final = (
    "Postfix hands a milter no fingerprint of a client certificate, only the common names of subject and issuer,"
    " and these only where it trusted the chain"
)
_UID: Final = "no MTA tells a milter which account called sendmail(1)"
_CIPHER_INSTEAD: Final = "write `min_cipher_bits: 128`, and refuse weak SASL layers in the MTA's SASL configuration"
_CERTIFICATE_INSTEAD: Final = "write `certificates: [{subject: app1.example.test, issuer: Example CA}]`"
_LOCAL_INSTEAD: Final = "local submission is one identity: write `local: yes`; who needs one of their own logs in"
# Section -> fields that people look for and that cannot be: why not, and what to write instead.
CANNOT_BE: Final = MappingProxyType(
    {
        "identities.*": MappingProxyType(
            {
                "ssf": (_CIPHER, _CIPHER_INSTEAD),
                "min_ssf": (_CIPHER, _CIPHER_INSTEAD),
                "fingerprint": (_FINGERPRINT, _CERTIFICATE_INSTEAD),
                "fingerprints": (_FINGERPRINT, _CERTIFICATE_INSTEAD),
                "cert_fingerprint": (_FINGERPRINT, _CERTIFICATE_INSTEAD),
                "uid": (_UID, _LOCAL_INSTEAD),
                "uids": (_UID, _LOCAL_INSTEAD),
                "users": (_UID, _LOCAL_INSTEAD),
            }
        )
    }
)
