"""Download of a file over HTTP: it can be resumed, is checked, and never leaves a partial file."""

from __future__ import annotations

import base64
import binascii
import contextlib
import email.utils
import hashlib
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import requests

from sketchrnn.errors import DownloadError
from sketchrnn.files import reason, replace_file

PART_SUFFIX = ".download"
_BLOCK = 1 << 16  # bytes
_TIMEOUTS = (10.0, 30.0)  # seconds, to connect and between two packets
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 60.0  # seconds
_LONGEST_VALIDATOR = 150  # characters of a file's name
_UNNAMED = "unnamed"
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int, "int | None"], None]
"""Receives the number of bytes so far, and the total if the server sends it."""

Cut = Callable[[bytes], "int | None"]
"""Receives the file block by block, from its beginning; returns None to continue, or the number of bytes of the block
to keep at the end."""


@dataclass(frozen=True)
class Retries:
    """How often a request is repeated, and after what time.

    Attributes:
        attempts: requests in a row that may fail without receiving a byte.
        wait: seconds before the second request. The time doubles for each further one, up to a minute, and varies by a
            quarter, so that many clients do not return at the same time. A longer Retry-After of the server applies.
    """

    attempts: int = 6
    wait: float = 1.0


class _PassingError(Exception):
    """An attempt failed for a reason that may be temporary."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def download(
    url: str,
    path: str | Path,
    *,
    progress: Progress | None = None,
    cut: Callable[[], Cut] | None = None,
    sha256: str | None = None,
    retries: Retries | None = None,
    cancelled: threading.Event | None = None,
) -> None:
    """Download a file, and resume an interrupted download of the same file.

    Until it is complete, the file is beside the target, as ``.NAME.VALIDATOR.download``. It is resumed only if the
    server still has the same version of it. The size, and the MD5 if Google's storage sends one, are checked before the
    file gets its name. An existing file is replaced.

    Args:
        url: http or https.
        path: the file to write.
        progress: receives the progress.
        cut: makes a function for each attempt that can end the file early; size and MD5 are then not checked.
        sha256: the expected digest, in hexadecimal.
        retries: how often to try.
        cancelled: once it is set, the download stops; the part so far is kept.

    Raises:
        DownloadError: the server refuses, keeps failing, or sends other content than it announced; or the file cannot
            be written.
    """
    retries, cancelled = retries or Retries(), cancelled or threading.Event()
    target = Path(path)
    failures, most = 0, 0
    with requests.Session() as session:
        session.headers.update({"User-Agent": "sketchrnn", "Accept-Encoding": "identity"})
        while True:
            try:
                part = _Part(target)
                try:
                    tally = _Tally(progress, cut() if cut else None, cancelled)
                    _attempt(session, url, part, tally, sha256)
                    return
                except _PassingError as problem:
                    failures = 1 if part.size > most else failures + 1
                    most = max(most, part.size)
                    if failures >= retries.attempts:
                        raise DownloadError(f"{url}: {problem}; gave up after {failures} attempts") from problem
                    wait = retries.wait * 2 ** (failures - 1) * random.uniform(0.75, 1.25)
                    cancelled.wait(min(_LONGEST_WAIT, max(wait, problem.wait)))
            except OSError as error:
                raise DownloadError(f"{target}: cannot be written: {reason(error)}") from error
            if cancelled.is_set():
                raise DownloadError(f"{url}: interrupted. Run the same command again to resume")


class _Part:
    """A partial file beside its target, and the version of the file on the server."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.validator = ""
        begins = f".{target.name}."
        for path in sorted(target.parent.glob(f"{_literal(begins)}*{PART_SUFFIX}")):
            name = path.name[len(begins) : -len(PART_SUFFIX)]
            if "." not in name and name != _UNNAMED:
                self.validator = unquote(name)
        self.path = self._path()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def start_over(self, validator: str) -> None:
        """Discard the bytes so far; the next bytes are of the version that the validator names."""
        self.path.unlink(missing_ok=True)
        self.validator = validator
        if len(self._quoted()) > _LONGEST_VALIDATOR:
            self.validator = ""
        self.path = self._path()
        self.path.unlink(missing_ok=True)

    def blocks(self) -> Iterator[bytes]:
        """Read the existing bytes."""
        if self.path.exists():
            with self.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block

    def finish(self, size: int) -> None:
        """Truncate the file to a size and rename it to its target."""
        with self.path.open("ab") as file:
            file.truncate(size)
        replace_file(self.path, self.target)

    def _quoted(self) -> str:
        return quote(self.validator, safe="").replace(".", "%2E") if self.validator else _UNNAMED

    def _path(self) -> Path:
        return self.target.with_name(f".{self.target.name}.{self._quoted()}{PART_SUFFIX}")


class _Tally:
    """Size and digests of the bytes received so far."""

    def __init__(self, progress: Progress | None, cut: Cut | None, cancelled: threading.Event) -> None:
        self.size = 0
        self.total: int | None = None
        self.md5, self.sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self.was_cut = False
        self._progress, self._cut, self._cancelled = progress, cut, cancelled

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def wants_more(self, block: bytes) -> bool:
        """Count a block; return whether more is needed."""
        kept = None if self._cut is None else self._cut(block)
        self.was_cut = kept is not None
        block = block[:kept]
        self.md5.update(block)
        self.sha256.update(block)
        self.size += len(block)
        if self._progress is not None:
            self._progress(self.size, self.total)
        return not self.was_cut and not self.cancelled


def _attempt(session: requests.Session, url: str, part: _Part, tally: _Tally, sha256: str | None) -> None:
    """Make one request; its answer resumes or restarts the file."""
    headers = {"Range": f"bytes={part.size}-", "If-Range": part.validator} if part.size and part.validator else {}
    with _passing_errors(url), session.get(url, headers=headers, stream=True, timeout=_TIMEOUTS) as response:
        _check_status(response, url, part)
        if response.status_code == 200:
            part.start_over(_validator(response))
        first, tally.total = _extent(response)
        if first != part.size:
            wanted = part.size
            part.start_over("")
            raise _PassingError(f"expected the bytes from {wanted:,} on, the server sent others")
        if all(tally.wants_more(block) for block in part.blocks()):
            with part.path.open("ab") as file:
                for block in response.iter_content(_BLOCK):
                    file.write(block)
                    if not tally.wants_more(block):
                        break
        promised = _promised_md5(response)
    if tally.cancelled:
        raise _PassingError("interrupted")
    if not tally.was_cut:
        if tally.total is not None and tally.size < tally.total:
            raise _PassingError(f"the connection ended after {tally.size:,} of {tally.total:,} bytes")
        if tally.total is not None and tally.size > tally.total:
            part.start_over("")
            raise _PassingError(f"expected {tally.total:,} bytes, found {tally.size:,}")
        if promised is not None and tally.md5.digest() != promised:
            part.start_over("")
            raise _PassingError(f"expected the MD5 {promised.hex()}, found {tally.md5.hexdigest()}")
    if sha256 is not None and tally.sha256.hexdigest() != sha256.lower():
        part.start_over("")
        part.path.unlink(missing_ok=True)
        raise DownloadError(f"{url}: expected the SHA-256 {sha256.lower()}, found {tally.sha256.hexdigest()}")
    part.finish(tally.size)


def _check_status(response: requests.Response, url: str, part: _Part) -> None:
    status = f"the server says {response.status_code} {response.reason}".rstrip()
    if response.status_code == 416:
        part.start_over("")
        raise _PassingError("the partial file on disk does not match the file on the server")
    if response.status_code in _PASSING:
        raise _PassingError(status, _retry_after(response))
    if response.status_code not in (200, 206):
        raise DownloadError(f"{url}: {status}")


@contextlib.contextmanager
def _passing_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _PassingError(f"the connection failed: {_innermost(error)}") from error
    except (requests.RequestException, ValueError) as error:  # ValueError: not an address
        raise DownloadError(f"{url}: {error}") from error


def _innermost(error: BaseException) -> str:
    """Return the innermost cause of an error that libraries have wrapped."""
    while True:
        arguments = [value for value in (getattr(error, "reason", None), *error.args) if isinstance(value, Exception)]
        below = error.__cause__ or error.__context__ or next(iter(arguments), None)
        if below is None:
            return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
        error = below


def _retry_after(response: requests.Response) -> float:
    """Return the seconds that the server asks to wait; the header has a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0


def _validator(response: requests.Response) -> str:
    """Return the identifier of this version of the file: a strong ETag, else the time of its last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """Return the offset of the first byte, and the size of the whole file if the server sends it."""
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        return (int(match[1]), None if match[2] == "*" else int(match[2])) if match else (-1, None)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _promised_md5(response: requests.Response) -> bytes | None:
    """Return the MD5 of the whole file, as Google's storage sends it.

    Reference:
        https://cloud.google.com/storage/docs/xml-api/reference-headers, "x-goog-hash".
    """
    match = re.search(r"\bmd5=([A-Za-z0-9+/=]+)", response.headers.get("x-goog-hash", ""))
    with contextlib.suppress(binascii.Error):
        return base64.b64decode(match[1], validate=True) if match else None
    return None


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
