"""Every rule of the doctor, in the order in which a person mends things: reach the gate, then what passes it, then us.

`examine` asks all of them. An explicit tuple and no plug-ins: what was looked at must not depend on what is installed.
"""

from typing import Final

from sealgate.doctor import (
    rules_gate,
    rules_logins,
    rules_mail,
    rules_milters,
    rules_protocol,
    rules_sendmail,
    rules_socket,
)
from sealgate.doctor.finding import Finding, Level, Rule
from sealgate.doctor.host import Host

RULES: Final[tuple[Rule, ...]] = (
    rules_socket.chroot,
    rules_socket.permissions,
    rules_socket.answers,
    rules_socket.tcp,
    rules_milters.milter_named,
    rules_milters.incoming,
    rules_milters.milter_order,
    rules_milters.default_action,
    rules_milters.daemon_name,
    rules_milters.local_submission,
    rules_milters.no_milters,
    rules_protocol.protocol,
    rules_protocol.macros,
    rules_protocol.timeouts,
    rules_protocol.queue_ids,
    rules_logins.auth,
    rules_logins.sasl_path,
    rules_logins.sasl_anonymous,
    rules_logins.sasl_realm,
    rules_logins.tls,
    rules_logins.relay_rights,
    rules_logins.sender_login_maps,
    rules_mail.missing_headers,
    rules_mail.bare_newline,
    rules_mail.mime_conversion,
    rules_mail.rewriting,
    rules_mail.line_length,
    rules_mail.mynetworks,
    rules_sendmail.filter_named,
    rules_sendmail.filter_flag,
    rules_sendmail.filter_order,
    rules_sendmail.timeouts,
    rules_sendmail.macros,
    rules_sendmail.listener_name,
    rules_sendmail.incoming,
    rules_sendmail.auth,
    rules_gate.profile,
    rules_gate.running,
    rules_gate.dns,
    rules_gate.room,
    rules_gate.clock,
)
_ORDER: Final = tuple(Level)


def examine(host: Host) -> tuple[Finding, ...]:
    """Ask every rule; the worst findings first, of one level in the order of the catalogue, each said once."""
    found = dict.fromkeys(finding for rule in RULES for finding in rule.examine(host))
    if host.unread:
        found[
            Finding(
                Level.UNKNOWN,
                "mta.unread",
                host.mta or "the MTA",
                host.unread,
                ("# run sealgate doctor as root on the host of the MTA, or say --config DIR",),
                "what the MTA does with mail decides as much as the gate does",
                "postconf(1)",
            )
        ] = None
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.level)))
