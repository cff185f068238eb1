"""The models that Google published, downloaded once into the cache."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

from sketchrnn.download import Progress, Retries, download
from sketchrnn.errors import CheckpointError, DownloadError, SketchRNNError
from sketchrnn.files import cache_folder, reason
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.magenta import GEN, VAE, load_magenta

BUCKET = "https://storage.googleapis.com/quickdraw-models/sketchRNN"


def fetch_published(
    name: str,
    *,
    vae: bool = False,
    large: bool = False,
    base: str = BUCKET,
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> tuple[Path, Checkpoint]:
    """Return a published model and its file in the cache; it is downloaded if the file is missing or damaged.

    Args:
        name: the category, with spaces or underscores.
        vae: with its encoder.
        large: of the larger models.
        base: the address where the folders ``models`` and ``large_models`` are.
        progress: called with the bytes so far and their total.
        retries: how often to try.

    Raises:
        DownloadError: it cannot be downloaded.
        CheckpointError: the downloaded file is not a model; it is deleted.
    """
    folder = "large_models" if large else "models"
    file = f"{name.strip().replace(' ', '_')}.{VAE if vae else GEN}.json"
    if "/" in file or file.startswith("."):
        raise DownloadError(f"{name!r}: expected a category, such as bird or alarm clock")
    where = urlsplit(base)
    path = cache_folder("models") / quote(where.netloc + where.path.rstrip("/"), safe="") / folder / file
    if path.is_file():
        try:
            return path, load_magenta(path)
        except CheckpointError:
            path.unlink()  # and download it again
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SketchRNNError(f"{path.parent}: cannot be created: {reason(error)}") from error
    download(f"{base.rstrip('/')}/{folder}/{quote(file)}", path, progress=progress, retries=retries)
    try:
        return path, load_magenta(path)
    except CheckpointError:
        path.unlink()
        raise
