"""Models on the Hugging Face Hub: ``hf://user/name``. Needs the extra ``hub``."""

from __future__ import annotations

import re
from pathlib import Path

from sketchrnn.errors import DownloadError, import_extra

HUB_PREFIX = "hf://"
DEFAULT_FILE = "model.safetensors"
_ADDRESS = re.compile(r"hf://(?P<repository>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?(/(?P<file>.+))?")
_CAUSES = {
    "GatedRepoError": "expected access to the model, found none. Ask its owner, then log in with `hf auth login`",
    "RepositoryNotFoundError": "expected a model on the Hub, found none or a private one. "
    "Check the name, or log in with `hf auth login`",
    "RevisionNotFoundError": "expected a branch, tag or commit after the @, found no such revision",
    "LocalEntryNotFoundError": "expected the Hub to answer, or a copy in the cache, found neither. "
    "Check the network and HF_ENDPOINT",
    "EntryNotFoundError": "expected the file {file}, found none. Name another one: hf://{repository}/FILE",
    "HFValidationError": "expected hf://USER/NAME, found another form of name",
}
"""Messages for the errors of huggingface_hub, by the name of the class or a base class."""


def fetch_from_hub(address: str) -> Path:
    """Download a file of a model repository, unless it is in the Hub's cache, and return its path.

    Args:
        address: ``hf://user/name``, with ``@revision`` and ``/file`` if they are not the default branch and
            ``model.safetensors``.

    Raises:
        ConfigurationError: huggingface_hub is not installed.
        DownloadError: the address is malformed, or the file cannot be downloaded.
    """
    match = _ADDRESS.fullmatch(address.rstrip("/"))
    if match is None:
        raise DownloadError(f"{address}: expected hf://USER/NAME, hf://USER/NAME@REVISION or hf://USER/NAME/FILE")
    hub = import_extra("huggingface_hub", "hub")
    parts = {**match.groupdict(), "file": match["file"] or DEFAULT_FILE}
    try:
        path = hub.hf_hub_download(parts["repository"], parts["file"], revision=parts["revision"])
    except Exception as error:  # errors of huggingface_hub, its HTTP client and the disk have no common base
        names = [kind.__name__ for kind in type(error).__mro__]
        cause = next((_CAUSES[name] for name in names if name in _CAUSES), None)
        what = cause.format(**parts) if cause else " ".join(str(error).split()) or type(error).__name__
        raise DownloadError(f"{address}: {what}") from error
    return Path(path)
