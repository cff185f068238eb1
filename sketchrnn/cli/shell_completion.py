"""``sketchrnn shell-completion``, and the completion of categories and models by the Tab key."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import get_completion_class

from sketchrnn.errors import SketchRNNError

SHELLS = ("bash", "zsh", "fish")


@click.command(
    name="shell-completion",
    epilog="""\b
Add the line for your shell to its start-up file:
  bash, in ~/.bashrc:   eval "$(sketchrnn shell-completion bash)"
  zsh, in ~/.zshrc:     eval "$(sketchrnn shell-completion zsh)"
  fish, in ~/.config/fish/config.fish:   sketchrnn shell-completion fish | source

\b
Examples:
  sketchrnn shell-completion bash
""",
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def shell_completion(context: click.Context, shell: str) -> None:
    """Print a script for SHELL: the Tab key then completes commands, options, categories and models."""
    make = get_completion_class(shell)
    if make is not None:
        click.echo(make(context.find_root().command, {}, "sketchrnn", "_SKETCHRNN_COMPLETE").source())
