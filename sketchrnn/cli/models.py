"""``sketchrnn info``, ``download-model``, ``import`` and ``export``."""

from __future__ import annotations

import json

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER
from sketchrnn.files import check_writable, write_bytes


@click.command(
    epilog="""\b
Examples:
  sketchrnn info
  sketchrnn info --json
  sketchrnn info --formats
"""
)
@click.argument("model", required=False, shell_complete=options.complete_model)
@options.as_json
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


@click.command(
    epilog="""\b
Examples:
  sketchrnn download-model bird -o bird.safetensors
  sketchrnn generate --model bird.safetensors -n 6 -o birds.svg
  sketchrnn download-model bird
"""
)
@click.argument("name")
@options.output("Write the model to this checkpoint (.safetensors).", ".safetensors", required=False)
@click.option("--vae", is_flag=True, help="Download the model with an encoder, for reconstruct and interpolate.")
@click.option("--large", is_flag=True, help="Download the larger model.")
@options.mirror("SKETCHRNN_MODELS")
@options.force
def download_model(name: str, output: str | None, vae: bool, large: bool, base: str | None, force: bool) -> None:
    """Download the model that Google published for category NAME, such as bird or "alarm clock".

    Google published models for 114 categories, without a license. The file is checked and kept in a cache. Without -o,
    the command prints the path of the file in the cache. Use this path as --model of other commands.
    """
    from sketchrnn.cli.progress import bytes_done
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.model.published import BUCKET, fetch_published

    if output is not None:
        check_writable(output, force=force)
    with bytes_done(name) as progress:
        path, checkpoint = fetch_published(name, vae=vae, large=large, base=base or BUCKET, progress=progress)
    if output is None:
        click.echo(path)
        return
    save_checkpoint(checkpoint, output)
    LOGGER.info(f"wrote {output}")


@click.command(
    "import",
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --decoder-only --set decoder_units=64
  sketchrnn export cats.safetensors -o cats.gen.json
  sketchrnn import cats.gen.json -o imported.safetensors
""",
)
@click.argument("file")
@options.checkpoint_output
@options.force
def import_model(file: str, output: str, force: bool) -> None:
    """Convert FILE, a model that Google published (NAME.gen.json or NAME.vae.json), to a checkpoint.

    Conversion is optional: --model of every command also reads such files. `sketchrnn download-model` downloads them.
    """
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.model.magenta import load_magenta

    check_writable(output, force=force)
    checkpoint = load_magenta(file)
    save_checkpoint(checkpoint, output)
    kind = "VAE" if checkpoint.configuration.variational else "decoder"
    click.echo(f"wrote {output}: a {kind} that draws {checkpoint.configuration.categories[0]}", err=True)


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --decoder-only --set decoder_units=64
  sketchrnn export cats.safetensors -o cats.gen.json
  sketchrnn export cats.safetensors -o small.safetensors --precision int8
"""
)
@click.argument("model")
@options.output("Write to NAME.gen.json, NAME.vae.json or NAME.safetensors.")
@options.option(
    "--category",
    metavar="NAME",
    shell_complete=options.complete_category,
    help="Category to export to NAME.vae.json.",
)
@options.precision
@click.option("--clip", is_flag=True, help="Clip weights to the range of the format, -10 to 10.")
@options.force
def export(model: str, output: str, category: str | None, precision: str, clip: bool, force: bool) -> None:
    """Convert MODEL for use in JavaScript. The name of the output selects the format.

    NAME.gen.json is for @magenta/sketch, ml5 and sketch-rnn-js. MODEL must have one category and no encoder (train
    --decoder-only).

    NAME.vae.json is for sketch-rnn-js. MODEL must have an encoder. If it has several categories, --category selects
    one. Both formats need LSTM cells and 20 mixture components, and round weights to multiples of 1/3,277.

    NAME.safetensors is a small file for the page and the npm package. complete, generate and guess can also read it.
    """
    from typing import cast

    from sketchrnn.model.loading import load_model
    from sketchrnn.model.magenta import export_magenta, kind_of_name
    from sketchrnn.web.model_file import Precision, page_model

    kind = kind_of_name(output)
    if kind is None and not output.endswith(".safetensors"):
        raise click.BadParameter(
            f"{output!r}: expected a name that ends in .gen.json, .vae.json or .safetensors", param_hint="--output"
        )
    check_writable(output, force=force)
    if kind is None:
        content = page_model(load_model(model), cast(Precision, precision))
        write_bytes(output, content)
        click.echo(f"wrote {output}: {len(content) / 1e6:.1f} MB", err=True)
        return
    exported = export_magenta(load_model(model), kind, category=category, clip=clip)
    write_bytes(output, exported.content)
    click.echo(f"wrote {output}; clipped {exported.clipped} weights to +-10, the largest was {exported.largest:.4g}"
               if exported.clipped else f"wrote {output}; no weight was clipped", err=True)  # fmt: skip
