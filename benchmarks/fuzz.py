"""Damaged files of every kind, given to `sketchrnn prepare`: is each one read, or refused in one line?

    python benchmarks/fuzz.py --files 10000

Files of every format are made, also compressed and in UTF-16, then bytes of them changed, cut out, repeated or put in
at random. What must not happen: another error than the project's own, more than 10 seconds, or a store that is there
after an error or cannot be opened.
"""

import argparse
import gzip
import io
import json
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from results import write_results

from sketchrnn.dataset.prepare import prepare
from sketchrnn.dataset.store import PREPARING, drawings_of, open_stores
from sketchrnn.errors import SketchRNNError
from sketchrnn.formats.quickdraw import HEADER

SECONDS = 10
ELEMENTS = (
    '<path d="M10 10 C 20 20, 40 20, 50 10 s 20 30 9 9 A 6 4 10 1 0 14 10 z" transform="rotate(30) scale(2,-1)"/>',
    '<line x1="1" y1="2" x2="30mm" y2="4cm"/><polyline points="0,0 3,4 9 9"/><polygon points="0 0 5 5 1 9"/>',
    '<rect x="1" y="2" width="30" height="40" rx="3"/><circle cx="9" cy="9" r="4"/><ellipse cx="9" rx="4" ry="2"/>',
    '<g style="stroke:#f00"><use href="#a" x="3"/><g transform="matrix(1 0 .2 1 5 6)"><path d="m1 1 9 9"/></g></g>',
    '<defs><path id="a" d="M0 0Q5 9 9 0T20 20"/><style>.b {stroke: blue}</style></defs><path class="b" d="M0 0h9v9"/>',
)
PIECES = (
    b"",
    b"0",
    b"-",
    b"[",
    b"]",
    b",",
    b"<",
    b"/>",
    b'"',
    b"1e999",
    b"nan",
    b"\xff\xfe",
    b"\x00",
    b"&a;",
    b"NaN",
    b"{}",
    b"\n",
)


def svg(chance):
    body = "".join(chance.sample(ELEMENTS, chance.randint(1, 5)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90" fill="none" stroke="black">{body}</svg>'.encode()
    )


def strokes(chance, axes):
    found = []
    for _ in range(chance.randint(1, 4)):
        count = chance.randint(1, 9)
        found.append([[chance.randint(0, 255) for _ in range(count)] for _ in range(axes)])
    return found


def ndjson_of(chance, axes):
    lines = [
        json.dumps(
            {
                "word": "cat",
                "countrycode": "US",
                "recognized": True,
                "key_id": str(key),
                "drawing": strokes(chance, axes),
            },
            separators=chance.choice([(",", ":"), (", ", ": ")]),
        )
        for key in range(chance.randint(1, 6))
    ]
    return "\n".join(lines).encode()


def binary(chance):
    content = b""
    for key in range(3):
        drawing = strokes(chance, 2)
        content += HEADER.pack(key, b"US", 1, 1_490_000_000, len(drawing))
        content += b"".join(len(x).to_bytes(2, "little") + bytes(x) + bytes(y) for x, y in drawing)
    return content


def npz(chance):
    file = io.BytesIO()
    rows = np.empty(3, dtype=object)
    rows[:] = [np.array([[chance.randint(-99, 99), 3, place == 4] for place in range(5)], np.int16) for _ in range(3)]
    np.savez(file, train=rows)
    return file.getvalue()


def npy(chance):
    file = io.BytesIO()
    columns = chance.choice([3, 5])
    rows = np.zeros((chance.randint(1, 9), columns), chance.choice([np.int16, np.float64]))
    rows[:, :2] = [[chance.randint(-99, 99), chance.randint(-99, 99)] for _ in rows]
    rows[:, 3 if columns == 5 else 2] = 1
    np.save(file, rows)
    return file.getvalue()


def csv(chance):
    rows = [f'{key},"{json.dumps(strokes(chance, 2))}",cat,True' for key in range(chance.randint(1, 4))]
    return "\n".join(["key_id,drawing,word,recognized", *rows]).encode()


def polylines(chance):
    return [[[x, y] for x, y in zip(*one, strict=True)] for one in strokes(chance, 2)]


def inkml(chance):
    traces = "".join(f"<trace>{', '.join(f'{x} {y}' for x, y in one)}</trace>" for one in polylines(chance))
    return f'<ink xmlns="http://www.w3.org/2003/InkML">{traces}</ink>'.encode()


def excalidraw(chance):
    elements = [{"type": "freedraw", "x": 3, "y": 4, "angle": 0.5, "points": one} for one in polylines(chance)]
    return json.dumps({"type": "excalidraw", "elements": elements}, indent=chance.choice([None, 1])).encode()


def tldraw(chance):
    records = [
        {
            "typeName": "shape",
            "type": "draw",
            "id": f"shape:{number}",
            "parentId": f"shape:{chance.randint(0, 5)}",
            "index": f"a{number}",
            "x": 1,
            "rotation": 0.1,
            "props": {"segments": [{"type": "free", "points": [{"x": x, "y": y} for x, y in one]}]},
        }
        for number, one in enumerate(polylines(chance))
    ]
    return json.dumps({"tldrawFileFormatVersion": 1, "records": records}).encode()


def geojson(chance):
    features = [
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": one}} for one in polylines(chance)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def compressed(chance):
    return gzip.compress(ndjson_of(chance, 2))


def utf16(chance):
    return ndjson_of(chance, 2).decode().encode(chance.choice(["utf-16", "utf-16-le", "utf-16-be"]))


MAKERS = {
    ".svg": svg,
    ".ndjson": lambda chance: ndjson_of(chance, 2),
    ".raw.ndjson": lambda chance: ndjson_of(chance, 3),
    ".json": lambda chance: json.dumps(polylines(chance)).encode(),
    ".bin": binary,
    ".npz": npz,
    ".npy": npy,
    ".csv": csv,
    ".inkml": inkml,
    ".excalidraw": excalidraw,
    ".tldr": tldraw,
    ".geojson": geojson,
    ".ndjson.gz": compressed,
    ".16.ndjson": utf16,
}
WEIGHTS = (25, 25, *[5] * (len(MAKERS) - 2))


def damage(content, chance):
    """Change a file in a few places."""
    content = bytearray(content)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 5])):
        begin = chance.randrange(len(content) + 1)
        end = min(len(content), begin + chance.choice([0, 1, 1, 2, 8, 60]))
        kind = chance.randrange(4)
        if kind == 0:
            content[begin:end] = bytes(chance.randrange(256) for _ in range(end - begin))
        elif kind == 1:
            content[begin:end] = chance.choice(PIECES)
        elif kind == 2:
            content[begin:begin] = content[begin:end] * chance.randint(1, 50)
        else:
            del content[begin + chance.randint(0, len(content)) :]
    return bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    def too_long(*_):
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, too_long)
    outcomes: Counter[str] = Counter()
    faults, slowest = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        for number in range(arguments.files):
            chance = random.Random(arguments.seed * 1_000_003 + number)
            suffix = chance.choices(list(MAKERS), WEIGHTS)[0]
            path, store = Path(name) / f"cat{suffix}", Path(name) / "store"
            path.write_bytes(damage(MAKERS[suffix](chance), chance))
            started = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                prepare([path], store)
                drawings_of(open_stores([store]))
                outcomes["read"] += 1
            except SketchRNNError as error:
                outcomes["refused"] += 1
                if path.name not in str(error) and "no drawing is left" not in str(error):
                    faults.append(f"file {number}: does not name the file: {error}")
                if any(one.name != PREPARING for one in store.glob("*")):
                    faults.append(f"file {number}: left a store: {error}")
            except Exception as error:  # what the script is looking for
                faults.append(f"file {number} ({suffix}): {type(error).__name__}: {error}")
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - started)
            shutil.rmtree(store, ignore_errors=True)
    lines = [
        f"{arguments.files:,} files: {outcomes['read']:,} read, {outcomes['refused']:,} refused in one line, "
        f"{len(faults)} faults; the slowest took {slowest:.1f} s.",
        *faults[:20],
    ]
    write_results("fuzz", lines)


if __name__ == "__main__":
    main()
