"""Private keys as files: each step of the way to one is judged, and what was judged is what is read.

Who can write a directory above a key can put another key there, so the walk goes down from `/` by descriptors: no step
is looked up twice, and a name that is swapped meanwhile changes nothing. Symbolic links are followed by hand, so that
the directories which lead to their targets are judged as well; credentials of systemd and mounted Secrets of Kubernetes
are read as they come. A refusal names the step that is wrong, why, and the command that mends it. doc/keys.md has the
rules with their reasons.
"""

from sealgate.adapters.keyfile.account import Account
from sealgate.adapters.keyfile.keys import Keys, read_keys
from sealgate.adapters.keyfile.walk import MAX_KEY, read_key

__all__ = ["MAX_KEY", "Account", "Keys", "read_key", "read_keys"]
