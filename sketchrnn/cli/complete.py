"""``sketchrnn complete``."""

from __future__ import annotations

from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawing_output import Target
from sketchrnn.cli.prefix import read_prefixes


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn complete samples/cup.svg -o finished.svg
  sketchrnn complete samples/cup.svg -n 5 --line-color tomato -o five-layers.svg
  sketchrnn complete samples/circle.json --category face -n 9 --seed 7 -o faces.svg
  sketchrnn complete samples/pig.ndjson --style ink --page a5 --landscape --margin 2cm -o plot.svg
  sketchrnn complete samples/face.ndjson --animate -o animation.svg
  sketchrnn complete samples/squiggle.json --category snake -n 3 -o snake-%d.svg
  sketchrnn complete - --category pig < samples/circle.json > pig-of-a-circle.svg
  sketchrnn generate --category cat -n 4 --format ndjson | sketchrnn complete - --format ndjson > cats.ndjson
""",
)
@click.argument("prefix")
@options.request()
@options.one_record
@options.target
@options.model
def complete(
    prefix: str, settings: dict[str, Any], index: int | None, key_id: str | None, target: Target, model: str | None
) -> None:
    """Complete the partial sketch PREFIX.

    PREFIX is a file in any unit, y down: SVG, Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]) or another
    format that `sketchrnn info --formats` lists; - is standard input. Each record of the file is completed. The scale
    of the prefix is estimated and printed. The category is that of --category, else the word of the record, else the
    most probable one. --category auto:3 draws the three most probable categories.

    An SVG document is not changed: each drawing (-n) is added as a layer, and the first layer is visible. The drawing
    continues from the end of the last line, in the same width and color. --redraw, --animate, gif and apng redraw the
    document.
    """
    from sketchrnn.model.model import load
    from sketchrnn.model.sampling import Request

    records, many = read_prefixes(prefix, index, key_id)
    request = Request().updated(settings)
    target.check(1 if many else request.count)
    requests = (record if isinstance(record, Exception) else request.updated({"prefix": record}) for record in records)
    target.write_results(load(model).complete_many(requests), prefix, many=many)
