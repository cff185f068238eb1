"""``sketchrnn shell-completion``, and the completion of categories and models by the Tab key."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from sketchrnn.errors import SketchRNNError

SHELLS = ("bash", "zsh", "fish")
MODEL_SUFFIXES = (".safetensors", ".gen.json", ".vae.json")


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


def categories(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the model's categories that begin with the typed text, with underscores, so that they need no quotes."""
    from sketchrnn.model.loading import load_model

    try:
        names = load_model(context.params.get("model"), prefixes=()).configuration.categories
    except SketchRNNError:
        return []
    wanted = typed.lower().replace(" ", "_")
    return [
        CompletionItem(name) for name in (name.replace(" ", "_") for name in names) if name.lower().startswith(wanted)
    ]


def models(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the models and folders whose paths begin with the typed text."""
    folder = Path(typed).parent if not typed.endswith("/") else Path(typed)
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() or path.name.endswith(MODEL_SUFFIXES))
    except OSError:
        found = []
    items = [
        "shipped",
        *(f"{path}/" if path.is_dir() else str(path) for path in found if not path.name.startswith(".")),
    ]
    return [CompletionItem(item) for item in items if item.startswith(typed)]
