"""The form of the profile, version 1, as data: which fields each section may have, and the words a field may hold.

The parser reads by these tables, and the sample and the manual page are tested against them, so that no field can be
added without being documented.
"""

from types import MappingProxyType
from typing import Final

from sealgate.profile.model import Kind, MailClass

VERSION: Final = 1

# Section -> fields it may have. Sections that the operator names (a listener, a domain) stand as `*`.
KNOWN_KEYS: Final = MappingProxyType(
    {
        "": (
            "version", "mode", "seal", "listeners", "local_submission", "unnamed_listeners", "logins", "domains",
            "postal_addresses", "local_parts", "identities", "rules",
        ),
        "logins[]": ("listener", "mechanism", "spelled", "principal", "encoding"),
        "domains.*": ("sign", "keys"),
        "domains.*.keys[]": ("selector", "file"),
        "identities.*": ("principals", "kind", "class", "networks", "local", "senders", "postal_addresses"),
        "rules.*": ("mode", "action"),
    }
)  # fmt: skip
CHOICES: Final = MappingProxyType(
    {
        "mode": ("report", "enforce"),
        "listeners.*": ("judge", "pass"),
        "local_submission": ("judge", "pass"),
        "unnamed_listeners": ("tempfail", "pass"),
        "logins[].encoding": ("plain", "xtext"),
        "local_parts": ("fold", "exact"),
        "identities.*.kind": tuple(Kind),
        "identities.*.class": tuple(MailClass),
        "rules.*.mode": ("off", "report", "enforce"),
        "rules.*.action": ("reject", "tempfail", "quarantine"),
    }
)
