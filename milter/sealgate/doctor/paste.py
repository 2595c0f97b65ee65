"""Commands that mend Postfix, as lines for a shell. They are printed, never run here.

`postconf -P` refuses a value with blanks in it, so such a value goes into a parameter of its own in main.cf, which
master.cf then names. What `$` a value holds is meant for Postfix and is quoted for the shell.
"""

import re
from collections.abc import Sequence
from shlex import quote

from sealgate.doctor.host import Postfix, Service
from sealgate.doctor.milterlist import Milter


def in_main(postfix: Postfix, name: str, value: str) -> str:
    """Set a parameter in main.cf."""
    return f"{_postconf(postfix)} -e {quote(f'{name} = {value}'.rstrip())}"


def in_service(postfix: Postfix, service: Service, name: str, value: str) -> tuple[str, ...]:
    """Set a parameter for one service in master.cf."""
    if not re.search(r"\s", value):
        return (f"{_postconf(postfix)} -P {quote(f'{service.label}/{name}={value}')}",)
    own = f"{re.sub(r'[^A-Za-z0-9]+', '_', service.name).strip('_')}_{name}"
    own = own if own[:1].isalpha() else f"port_{own}"
    return (in_main(postfix, own, value), *in_service(postfix, service, name, f"${own}"))


def where_it_is(postfix: Postfix, service: Service, name: str, value: str) -> tuple[str, ...]:
    """Set a parameter where it is written for this service: in master.cf, else in main.cf."""
    if name in service.options:
        return in_service(postfix, service, name, value)
    return (in_main(postfix, name, value),)


def unchrooted(postfix: Postfix, service: Service) -> str:
    """Take a service out of the chroot."""
    return f"{_postconf(postfix)} -F {quote(f'{service.label}/chroot=n')}"


def listed(found: Sequence[Milter]) -> str:
    """A list of milters as Postfix reads it, without blanks where that is possible."""
    has_own = any(each.own for each in found)
    return (", " if has_own else ",").join(map(str, found))


def reload_command(postfix: Postfix) -> str:
    """Have Postfix read its files anew."""
    return "postfix reload" if postfix.is_default else f"postfix -c {quote(postfix.folder)} reload"


def _postconf(postfix: Postfix) -> str:
    return "postconf" if postfix.is_default else f"postconf -c {quote(postfix.folder)}"
