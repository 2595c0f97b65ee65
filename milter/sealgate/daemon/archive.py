"""What the record needs of the state folder: the keys that hide personal values, and the profile versions it names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sealgate.adapters import epochs, files, profilestore
from sealgate.app.runtime import Runtime
from sealgate.audit.personal import epoch_of
from sealgate.profile.model import Profile, Showing
from sealgate.wiring import Ingredients

_QUARTER: Final = timedelta(days=92)


def hides(profile: Profile) -> bool:
    """Whether the record of a profile hides anything."""
    return Showing.HASHED in (profile.record.recipients, profile.record.subject)


def equipped(ingredients: Ingredients, state: Path, now: float) -> Ingredients:
    """Add the keys of this quarter and of the next one; they are made where they are not there.

    Raises:
        PortError: they cannot be had.
    """
    moment = datetime.fromtimestamp(now, UTC)
    wanted = tuple(dict.fromkeys(epoch_of(day.isoformat()) for day in (moment, moment + _QUARTER)))
    return replace(ingredients, epochs=tuple(epochs.keep(state, wanted).items()))


def lacks_key(runtime: Runtime, now: float) -> bool:
    """Whether a quarter has begun whose key is not loaded."""
    return hides(runtime.profile) and epoch_of(datetime.fromtimestamp(now, UTC).isoformat()) not in runtime.epochs


def keep_version(ingredients: Ingredients, state: Path) -> bool:
    """Keep the profile under its digest; whether it is a new version.

    Raises:
        PortError: it cannot be kept.
    """
    tables = tuple(profilestore.KeptTable(t.path, t.format, t.realm, t.digest, t.data) for t in ingredients.tables)
    version = profilestore.KeptProfile(ingredients.profile_file, ingredients.profile_text, tables)
    return profilestore.keep(state, ingredients.digest, version, files.replace)
