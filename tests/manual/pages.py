"""All pages that are made from the program, by the names of their files in doc/man."""

from tests.manual import commands, fields, lines


def written() -> dict[str, str]:
    """Each page's file name and its whole text."""
    pages = {f"sealgate-{verb}.8": commands.page(verb, command) for verb, command in commands.verbs().items()}
    return {
        "sealgate.8": commands.overview(),
        **pages,
        "sealgate.yaml.5": fields.settings_page(),
        "sealgate-profile.yaml.5": fields.profile_page(),
        "sealgate-audit.5": lines.page(),
    }
