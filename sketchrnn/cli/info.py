"""``sketchrnn info``."""

from __future__ import annotations

import json

import click

from sketchrnn.cli import options


@click.command(
    epilog="""\b
Examples:
  sketchrnn info
  sketchrnn info --json
  sketchrnn info --formats
"""
)
@click.argument("model", required=False, shell_complete=options.complete_model)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--formats", is_flag=True, help="List the file formats of drawings.")
def info(model: str | None, as_json: bool, formats: bool) -> None:
    """Show the architecture, categories and training of MODEL.

    By default, MODEL is the model that ships with sketchrnn.
    """
    if formats:
        _list_formats()
        return
    from sketchrnn.model.checkpoint import STARTED_FROM
    from sketchrnn.model.loading import load_model

    checkpoint = load_model(model)
    configuration = checkpoint.configuration
    parameters = sum(value.size for name, value in checkpoint.weights.items() if not name.startswith("optimizer."))
    if as_json:
        fields = {
            "configuration": configuration.to_json(),
            "parameters": parameters,
            "offset_scale": checkpoint.offset_scale,
            "unit": checkpoint.unit,
            "max_length": checkpoint.max_length,
            "training": checkpoint.training,
        }
        click.echo(json.dumps(fields, indent=2))
        return
    kind = "variational autoencoder" if configuration.variational else "decoder only"
    units = f"decoder {configuration.decoder_units}"
    if configuration.variational:
        units = f"encoder 2 x {configuration.encoder_units}, z {configuration.latent_units}, {units}"
    cells = {configuration.decoder_cell} | ({configuration.encoder_cell} if configuration.variational else set())
    if cells != {"lstm"}:
        units += f", {' and '.join(sorted(cells))} cells"
    drawings, imported = checkpoint.training.get("drawings", {}), checkpoint.training.get("imported")
    trained_on = f"{drawings.get('train', 0):,} drawings, {checkpoint.training.get('step', 0):,} steps"
    before = checkpoint.training.get(STARTED_FROM)
    while before:
        trained_on += f"; before that, {before['training'].get('step', 0):,} steps of an earlier model"
        before = before["training"].get(STARTED_FROM)
    lines = {
        "model": model or options.SHIPPED_HELP,
        "kind": f"{kind}, {parameters:,} parameters",
        "units": f"{units}, {configuration.mixtures} mixtures",
        "draws without z": "yes" if configuration.can_draw_without_latent else "no",
        "unit": "the 255 box" if checkpoint.unit == "box" else "that of its training files",
        "offset scale": f"{checkpoint.offset_scale:.4g}",
        "longest sketch": f"{checkpoint.max_length} points",
        "trained on": trained_on if imported is None else f"published by Google, {imported.get('name')}",
        f"categories ({len(configuration.categories)})": ", ".join(configuration.categories),
    }
    for name, value in lines.items():
        click.echo(f"{name}: {value}")


def _list_formats() -> None:
    from sketchrnn.formats import FORMATS

    for one in FORMATS:
        click.echo(f"{one.name}: {', '.join(one.suffixes)}; {'read and written' if one.write else 'read'}")
