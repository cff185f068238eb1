"""Opens files for format readers: uncompressed, and text as UTF-8."""

from __future__ import annotations

import codecs
import importlib
import io
import re
from typing import BinaryIO

from sketchrnn.errors import FormatError

COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")
MOST_UNCOMPRESSED = 1 << 27
"""Bytes up to which any compressed content is read. Beyond that it must not expand more than LARGEST_RATIO times."""
LARGEST_RATIO = 200
"""Compression makes drawings 3 to 30 times smaller, and malicious files 1,000 times."""

_MODULES = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}  # imported at first use
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UTF16_LE = re.compile(rb"(?:[\t\n\r -~]\x00){4}")
_UTF16_BE = re.compile(rb"(?:\x00[\t\n\r -~]){4}")
_SHORTEST_HEAD = 24  # bytes
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_CARRIAGE_RETURN = re.compile(rb"\r(?!\n)")


def unwrap(file: BinaryIO, name: str) -> tuple[bytes, BinaryIO, bool]:
    """Return the content of a file for a format reader.

    Text in UTF-16 or UTF-32, with or without a byte order mark, becomes UTF-8, and line ends of old Macs are converted.
    XML does not change: its parser uses the encoding that the document declares.

    Args:
        file: the open file; it need not be seekable.
        name: the file's name for messages.

    Returns:
        The first lines, of which one is not blank, without a byte order mark (all lines of an XML document); the
        content from its beginning; and whether the content is the same as the file's bytes.

    Raises:
        FormatError: the compressed data is damaged, or is larger than any drawing; text is not in its encoding.
    """
    stream: BinaryIO = file
    head = _first_lines(stream)
    plain = True
    for magic, module in _MODULES.items():
        if head.startswith(magic):
            packed = _Stream(head, stream, name)
            opened = importlib.import_module(module).open(io.BufferedReader(packed))
            unpacked = _Stream(b"", opened, name, packed)
            stream = io.BufferedReader(unpacked, 1 << 16)
            head, plain = _first_lines(stream), False
            break
    encoding = _encoding_of(head)
    text = head.decode(encoding, "ignore").lstrip("\ufeff").encode() if encoding else head
    if text.lstrip().startswith(b"<"):
        content = head + stream.read()
        text = content.decode(encoding or "utf-8", "ignore").lstrip("\ufeff").encode()
        return text, io.BytesIO(content), plain
    if encoding not in (None, "utf-8"):
        try:
            content = (head + stream.read()).decode(encoding).lstrip("\ufeff").encode()
        except UnicodeError as error:
            raise FormatError(
                f"{name}: expected {encoding.upper()} text, found other bytes. Save it as UTF-8"
            ) from error
        text, stream, plain = _first_lines(io.BytesIO(content)), io.BytesIO(content), False
    else:
        stream = io.BufferedReader(_Stream(head, stream, name), 1 << 16)
    if _CARRIAGE_RETURN.search(text, 0, len(text) - 1) and not _CONTROL.search(text, 0, 64):
        content = stream.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        text, stream, plain = _first_lines(io.BytesIO(content)), io.BytesIO(content), False
    return text, stream, plain


def uncompressed(content: bytes, name: str) -> bytes:
    """Return content without its compression, if it has one; ``name`` is for messages.

    Raises:
        FormatError: the compressed data is damaged, or is larger than any drawing.
    """
    return unwrap(io.BytesIO(content), name)[1].read() if content.startswith(tuple(_MODULES)) else content


def _first_lines(stream: BinaryIO) -> bytes:
    """Read the lines up to the first that is not blank, and as many more as signatures and encodings need."""
    lines, size, is_blank = [], 0, True
    while (is_blank or size < _SHORTEST_HEAD) and (line := stream.readline()):
        lines.append(line)
        size += len(line)
        is_blank = is_blank and not line.strip(b"\0 \t\r\n")
    return b"".join(lines)


def _encoding_of(head: bytes) -> str | None:
    """Return the Unicode encoding that the first bytes of a file show; None if they show none."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if _UTF16_LE.match(head):
        return "utf-16-le"
    return "utf-16-be" if _UTF16_BE.match(head) else None


class _Stream(io.RawIOBase):
    """Continues a file whose first bytes were read already, and reports damaged compressed data.

    Args:
        head: the first bytes.
        file: the rest.
        name: the file's name for messages.
        packed: where the compressed bytes come from, if ``file`` decompresses them.
    """

    def __init__(self, head: bytes, file: BinaryIO, name: str, packed: _Stream | None = None) -> None:
        self._head, self._file, self._name, self._packed = memoryview(head), file, name, packed
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer)  # type: ignore[arg-type]
        if not self._head:
            self._head = memoryview(self._more(len(target)))
        size = min(len(target), len(self._head))
        target[:size], self._head = self._head[:size], self._head[size:]
        self.count += size
        if self._packed and self.count > max(MOST_UNCOMPRESSED, LARGEST_RATIO * self._packed.count):
            raise FormatError(
                f"{self._name}: expected at most {MOST_UNCOMPRESSED:,} bytes when uncompressed, found more. "
                "If the file is really this large, uncompress it first"
            )
        return size

    def _more(self, size: int) -> bytes:
        read = getattr(self._file, "read1", self._file.read)
        if self._packed is None:
            return bytes(read(size))
        try:
            return bytes(read(size))
        except Exception as error:  # each of the modules has its own: OSError, EOFError, zlib.error, LZMAError
            raise FormatError(f"{self._name}: expected compressed data, found damaged data: {error}") from error
