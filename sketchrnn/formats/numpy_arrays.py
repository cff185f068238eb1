"""Stroke-3 and stroke-5 rows as NumPy arrays: the Sketch-RNN npz files of Quick, Draw!, and npy files.

An npz file has object arrays ``train``, ``valid`` and ``test``, one array of rows for each drawing. An npy file has the
rows of one drawing, (L, 3) or (L, 5), of several, (drawings, L, 3) or (drawings, L, 5), or such an object array.

Object arrays are pickles, and a pickle can run any program. This module reads them with an unpickler that replaces
NumPy's constructors by plain records of an array's parts, and rejects all other names.

Reference:
    https://github.com/googlecreativelab/quickdraw-dataset, "Sketch-RNN QuickDraw Dataset";
    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import FormatError
from sketchrnn.formats.record import Format, Record
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import stroke3_from_stroke5

SPLITS = ("train", "valid", "test")

MEMBER_LIMIT = 2**30
"""Largest size in bytes of an unpacked array; 70,000 drawings take about 40 million."""

_ZIP_MAGIC, _NPY_MAGIC = b"PK", b"\x93NUMPY"
_BITMAP_PIXELS = 28 * 28  # of Quick, Draw!'s "numpy bitmaps"
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NUMBER_CODE = re.compile(r"[<>=|]?[iuf][1248]")


def parse_npz(file: BinaryIO, name: str, word: str | None) -> Iterator[Record]:
    """Read the drawings of a Sketch-RNN npz file: train, then valid, then test. Nothing in the file is executed.

    Raises:
        FormatError: the file is damaged or has other content; the message names the file, the array and the drawing.
    """
    with _read_safely(f"{name}: expected an npz file, found a damaged zip archive or none"):
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
    with archive:
        members = archive.namelist()
        splits = [split for split in SPLITS if f"{split}.npy" in members]
        if not splits:
            present = ", ".join(members[:5]) or "nothing"
            hint = "" if any(member.endswith(".npy") for member in members) else ". Unpack the zip archive"
            raise FormatError(f"{name}: expected arrays named train, valid or test, found {present}{hint}")
        for split in splits:
            try:
                drawings = _drawings(_member(archive, f"{split}.npy"))
            except FormatError as error:
                raise FormatError(f"{name}, {split}: {error}") from error
            for index, drawing in enumerate(drawings):
                yield Record(_sketch(drawing, f"{name}, {split}, drawing {index}"), word=word, kind="npz", split=split)


def parse_npy(file: BinaryIO, name: str, word: str | None) -> Iterator[Record]:
    """Read the drawings of an npy file; the arguments and errors are those of :func:`parse_npz`."""
    content = file.read(MEMBER_LIMIT + 1)
    try:
        if len(content) > MEMBER_LIMIT:
            raise FormatError(f"expected at most {MEMBER_LIMIT} bytes, found more")
        drawings = _drawings(content)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error
    for index, drawing in enumerate(drawings):
        yield Record(_sketch(drawing, f"{name}, drawing {index}"), word=word, kind="npz")


def _sketch(drawing: _PickledArray | NDArray[Any], place: str) -> Sketch:
    """Return the drawing of stroke-3 or stroke-5 rows."""
    try:
        rows = drawing.numbers() if isinstance(drawing, _PickledArray) else drawing
        if rows.ndim == 2 and rows.shape[1] == 5:
            rows = stroke3_from_stroke5(rows)
        if rows.ndim == 2 and rows.shape[1] == 3:
            wrong = np.flatnonzero((rows[:, 2] != 0) & (rows[:, 2] != 1))
            if len(wrong) and np.isfinite(rows).all():
                found = rows[wrong[0]].tolist()
                raise FormatError(f"row {wrong[0]}: expected (dx, dy, lift) with lift 0 or 1, found {found}")
        return Sketch.from_stroke3(rows)
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from error


def _member(archive: zipfile.ZipFile, member: str) -> bytes:
    size = archive.getinfo(member).file_size  # zipfile unpacks at most this, independent of the compressed data
    if size > MEMBER_LIMIT:
        raise FormatError(f"expected at most {MEMBER_LIMIT} bytes, found {size}")
    with _read_safely("the archive is damaged"):
        return archive.read(member)


def _drawings(content: bytes) -> Sequence[_PickledArray | NDArray[Any]]:
    """Return the rows of each drawing in an array file."""
    stream = io.BytesIO(content)
    with _read_safely("expected an array file of version 1 or 2, found another or damage"):
        version = np.lib.format.read_magic(stream)
        shape, fortran_order, dtype = _HEADER_READERS[version](stream)
    if dtype != np.dtype(object):
        if shape[1:] == (_BITMAP_PIXELS,):
            raise FormatError(
                "expected stroke-3 or stroke-5 rows, found bitmaps of 28 x 28 pixels. Pixels have no strokes. Use "
                "the simplified files (sketchrnn download)"
            )
        if len(shape) not in (2, 3) or shape[-1] not in (3, 5) or not _NUMBER_CODE.fullmatch(dtype.str):
            raise FormatError(
                f"expected rows (L, 3) of stroke-3 or (L, 5) of stroke-5, or a list of such arrays, found {dtype} "
                f"numbers of shape {shape}"
            )
        with _read_safely("the array is damaged"):
            array = np.frombuffer(content, dtype, offset=stream.tell())
            array = array.reshape(shape, order="F" if fortran_order else "C")
        return [array] if array.ndim == 2 else [_without_padding(rows) for rows in array]
    if len(shape) != 1:
        raise FormatError(f"expected a list of stroke-3 arrays, found {dtype} numbers of shape {shape}")
    with _read_safely("the pickled arrays are damaged"):
        _check_sizes(content[stream.tell() :])
        unpickled = _ArrayUnpickler(stream, encoding="latin1").load()
    drawings = unpickled.data if isinstance(unpickled, _PickledArray) else None
    if not isinstance(drawings, list):
        raise FormatError("expected a list of stroke-3 arrays, found another pickle")
    for index, drawing in enumerate(drawings):
        if not isinstance(drawing, _PickledArray):
            raise FormatError(f"drawing {index}: expected a stroke-3 array, found {type(drawing).__name__}")
    return drawings


def _without_padding(rows: NDArray[Any]) -> NDArray[Any]:
    """Remove the rows of zeros at the end, which pad drawings of different lengths."""
    used = np.flatnonzero(rows.any(axis=1))
    return rows[: used[-1] + 1 if len(used) else 0]


def _check_sizes(pickled: bytes) -> None:
    """Reject a pickle with a size, or an index of its memo, that is larger than the whole pickle.

    The unpickler would allocate the memory at once.
    """
    for _, argument, _ in pickletools.genops(pickled):
        if isinstance(argument, int) and argument > len(pickled):
            raise FormatError(f"expected sizes up to that of the pickle, {len(pickled)} bytes, found {argument}")


@contextmanager
def _read_safely(problem: str) -> Iterator[None]:
    """Convert any error to a FormatError that starts with ``problem``.

    Damaged files cause many kinds of errors in zipfile, NumPy's header reader and pickle: ValueError, struct.error,
    TokenError, UnpicklingError, KeyError, MemoryError, ...
    """
    try:
        yield
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"{problem}: {type(error).__name__}: {error}") from error


class _PickledDtype:
    """Replaces ``numpy.dtype`` in a pickle: a type code such as ``i2``, and a byte order."""

    def __init__(self, code: str, align: object = None, copy: object = None) -> None:
        self.code = code
        self.byte_order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = state[1]


class _PickledArray:
    """Replaces NumPy's ``_reconstruct`` in a pickle: an array's shape, type and content."""

    shape: Any = None
    dtype: Any = None
    fortran_order: Any = False
    data: Any = None

    def __init__(self, array_type: object, shape: object, code: object) -> None:
        """Ignore the arguments of ``_reconstruct``; the state follows later."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, self.fortran_order, self.data = state

    def numbers(self) -> NDArray[Any]:
        """Return the array.

        Raises:
            FormatError: it does not have numbers, or their count does not fit its shape.
        """
        with _read_safely("the array is damaged"):
            code = self.dtype.byte_order + self.dtype.code
            if not _NUMBER_CODE.fullmatch(code):
                raise FormatError(f"expected stroke-3 numbers, found an array of type {code}")
            data = self.data.encode("latin1") if isinstance(self.data, str) else self.data  # str: of Python 2
            numbers = np.frombuffer(data, dtype=code)
            shaped: NDArray[Any] = numbers.reshape(self.shape, order="F" if self.fortran_order else "C")
            return shaped


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode("latin1")  # the only encoding in NumPy's pickles


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles only arrays, as :class:`_PickledArray`."""

    _ADMITTED: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _PickledArray,  # NumPy 1
        ("numpy._core.multiarray", "_reconstruct"): _PickledArray,  # NumPy 2
        ("numpy", "dtype"): _PickledDtype,
        ("numpy", "ndarray"): "numpy.ndarray",  # only used as an argument of _reconstruct
        ("_codecs", "encode"): _latin1,  # Python 3 writes bytes for Python 2 so; NumPy up to 1.16 did
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ADMITTED[module, name]
        except KeyError:
            raise FormatError(
                f"expected pickled NumPy arrays only, found a reference to {module}.{name}; nothing was executed"
            ) from None


NPZ = Format("Sketch-RNN npz", (".npz",), lambda head: head.startswith(_ZIP_MAGIC), parse_npz)
NPY = Format(
    "stroke-3 or stroke-5 npy", (".npy",), lambda head: head.startswith(_NPY_MAGIC), parse_npy, one_drawing=True
)
