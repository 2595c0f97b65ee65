"""`sealgate completion`: the lines a shell needs to complete our verbs and options."""

import click
from click.shell_completion import get_completion_class

from sealgate.cli import cli


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print completion for a shell.

    \b
    sealgate completion bash > /usr/share/bash-completion/completions/sealgate
    """
    chosen = get_completion_class(shell)
    if chosen is not None:
        click.echo(chosen(cli, {}, "sealgate", "_SEALGATE_COMPLETE").source())
