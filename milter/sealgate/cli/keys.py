"""`sealgate keys`: signing keys, and what the DNS says of them; one file a verb.

The verbs do what opendkim-genkey, opendkim-testkey, opendkim-testmsg and opendkim-genzone do, with the profile for a
key table. None of them talks to the daemon, and only `new` writes anything.
"""

import click

from sealgate.cli.keys_listing import list_keys
from sealgate.cli.keys_new import new
from sealgate.cli.keys_testing import test
from sealgate.cli.keys_testmsg import testmsg
from sealgate.cli.keys_zone import zone


@click.group("keys")
def command() -> None:
    """Make signing keys, publish them, and see whether the DNS agrees.

    \b
    sealgate keys new example.test          make a key
    sealgate keys list                      which keys sign for whom
    sealgate keys zone                      what to publish
    sealgate keys test                      is it published, and does it verify?
    """


for _verb in (new, list_keys, test, testmsg, zone):
    command.add_command(_verb)
