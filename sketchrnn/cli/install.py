"""``sketchrnn install-inkscape-extension`` and ``shell-completion``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "install-inkscape-extension",
    epilog="""\b
Examples:
  sketchrnn install-inkscape-extension --folder extensions
  sketchrnn install-inkscape-extension --folder extensions --uninstall
""",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of Inkscape's user extensions.  [default: found by running Inkscape]",
)
@click.option("--uninstall", is_flag=True, help="Remove the extension.")
def install_inkscape_extension(folder: Path | None, uninstall: bool) -> None:
    """Install an extension for Inkscape 1.2 or later: Extensions > Sketch-RNN > Complete.

    Restart Inkscape afterward. The extension uses the Python environment of this command. Install it again after you
    move that environment or update sketchrnn.
    """
    from sketchrnn.hosts import inkscape
    from sketchrnn.model.loading import load_model

    if uninstall:
        folder, was_there = inkscape.uninstall(folder)
        click.echo(f"{folder}: removed the extension" if was_there else f"{folder}: the extension is not installed")
    else:
        folder = inkscape.install(load_model(prefixes=()).configuration.categories, folder)
        click.echo(f"{folder}: installed Extensions > Sketch-RNN > Complete; restart Inkscape")


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
    from click.shell_completion import get_completion_class

    make = get_completion_class(shell)
    if make is not None:
        click.echo(make(context.find_root().command, {}, "sketchrnn", "_SKETCHRNN_COMPLETE").source())
