"""The configuration of the lab's Postfix, as text.

`main_cf` and `master_cf` turn ports and paths into the two files of a Postfix that listens on 127.0.0.1 only, logs into
a file of its own and delivers everything to one sink. They touch nothing and cannot fail; whether Postfix likes the
`settings` that a test adds is seen when it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOSTNAME: Final = "mail.example.test"
_IMPORTED = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME"

# Column 5 is `n` throughout: no chroot, so that keytab and krb5.conf are seen where they are.
_MASTER = """\
127.0.0.1:{submission} inet n - n - - smtpd
    -o milter_macro_daemon_name=submission
    -o smtpd_tls_security_level=$lab_submission_tls
    -o smtpd_sasl_auth_enable=yes
    -o mynetworks=
    -o smtpd_relay_restrictions=$lab_submission_relay
127.0.0.1:{plain} inet n - n - - smtpd
    -o milter_macro_daemon_name=smtpd
    -o smtpd_relay_restrictions=permit_mynetworks,reject
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where an instance keeps its things; all absolute."""

    config: Path
    queue: Path
    data: Path
    log: Path
    krb5_conf: Path


def master_cf(submission_port: int, plain_port: int) -> str:
    """Return master.cf with the two listeners and what they need."""
    return _MASTER.format(submission=submission_port, plain=plain_port)


def main_cf(places: Places, realm: str, milter: str | None, sink_port: int, settings: Mapping[str, str]) -> str:
    """Return main.cf; `settings` come last and win."""
    return "".join(
        f"{name} = {value}\n" for name, value in {**_settings(places, realm, milter, sink_port), **settings}.items()
    )


def _settings(places: Places, realm: str, milter: str | None, sink_port: int) -> dict[str, str]:
    domain = HOSTNAME.partition(".")[2]
    return {
        "compatibility_level": "3.6",
        "queue_directory": str(places.queue),
        "data_directory": str(places.data),
        "maillog_file": str(places.log),
        "maillog_file_prefixes": str(places.log.parent),
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": HOSTNAME,
        "mydomain": domain,
        "myorigin": domain,
        "mynetworks": "127.0.0.1/32",
        "enable_long_queue_ids": "yes",
        "always_add_missing_headers": "yes",
        # No domain is local: all mail, also to our own domain, goes through smtp(8) to the sink.
        "mydestination": "",
        "alias_maps": "",
        "alias_database": "",
        "local_recipient_maps": "",
        "default_transport": f"smtp:[127.0.0.1]:{sink_port}",
        "notify_classes": "",
        # smtpd_sasl_local_domain is appended to the realm-less names that Cyrus SASL makes of the default realm's
        # principals: with the realm itself, {auth_authen} is user@REALM for everyone.
        "smtpd_sasl_type": "cyrus",
        "smtpd_sasl_path": "smtpd",
        "smtpd_sasl_local_domain": realm,
        "cyrus_sasl_config_path": str(places.config / "sasl"),
        "smtpd_sasl_security_options": "noanonymous",
        # The replay cache lies in /var/tmp and is synced at each login: the lab does without.
        "import_environment": f"{_IMPORTED} KRB5_CONFIG={places.krb5_conf} KRB5RCACHENAME=none:",
        "lab_submission_tls": "encrypt",
        "lab_submission_relay": "permit_sasl_authenticated,reject",
        "smtpd_tls_cert_file": str(places.config / "cert.pem"),
        "smtpd_tls_key_file": str(places.config / "key.pem"),
        "smtpd_tls_loglevel": "1",
        "smtpd_milters": milter or "",
        "non_smtpd_milters": milter or "",
        "milter_default_action": "tempfail",
        # Tests send many messages and provoke many refusals: no brakes.
        "in_flow_delay": "0",
        "smtpd_error_sleep_time": "0",
        "smtpd_client_event_limit_exceptions": "127.0.0.1",
    }
