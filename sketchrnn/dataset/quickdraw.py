"""Google's Quick, Draw! dataset: its categories, kinds of files and addresses, and their download."""

from __future__ import annotations

import difflib
import functools
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sketchrnn.download import Retries, download
from sketchrnn.errors import CategoryError
from sketchrnn.files import make_folder
from sketchrnn.formats.quickdraw import HEADER, strokes_of

BASE_ADDRESS = "https://storage.googleapis.com/quickdraw_dataset/"

CATEGORIES = tuple(
    re.split(
        r",\s+",
        """
The Eiffel Tower, The Great Wall of China, The Mona Lisa, aircraft carrier, airplane, alarm clock, ambulance, angel,
animal migration, ant, anvil, apple, arm, asparagus, axe, backpack, banana, bandage, barn, baseball, baseball bat,
basket, basketball, bat, bathtub, beach, bear, beard, bed, bee, belt, bench, bicycle, binoculars, bird,
birthday cake, blackberry, blueberry, book, boomerang, bottlecap, bowtie, bracelet, brain, bread, bridge, broccoli,
broom, bucket, bulldozer, bus, bush, butterfly, cactus, cake, calculator, calendar, camel, camera, camouflage,
campfire, candle, cannon, canoe, car, carrot, castle, cat, ceiling fan, cell phone, cello, chair, chandelier,
church, circle, clarinet, clock, cloud, coffee cup, compass, computer, cookie, cooler, couch, cow, crab, crayon,
crocodile, crown, cruise ship, cup, diamond, dishwasher, diving board, dog, dolphin, donut, door, dragon, dresser,
drill, drums, duck, dumbbell, ear, elbow, elephant, envelope, eraser, eye, eyeglasses, face, fan, feather, fence,
finger, fire hydrant, fireplace, firetruck, fish, flamingo, flashlight, flip flops, floor lamp, flower,
flying saucer, foot, fork, frog, frying pan, garden, garden hose, giraffe, goatee, golf club, grapes, grass, guitar,
hamburger, hammer, hand, harp, hat, headphones, hedgehog, helicopter, helmet, hexagon, hockey puck, hockey stick,
horse, hospital, hot air balloon, hot dog, hot tub, hourglass, house, house plant, hurricane, ice cream, jacket,
jail, kangaroo, key, keyboard, knee, knife, ladder, lantern, laptop, leaf, leg, light bulb, lighter, lighthouse,
lightning, line, lion, lipstick, lobster, lollipop, mailbox, map, marker, matches, megaphone, mermaid, microphone,
microwave, monkey, moon, mosquito, motorbike, mountain, mouse, moustache, mouth, mug, mushroom, nail, necklace,
nose, ocean, octagon, octopus, onion, oven, owl, paint can, paintbrush, palm tree, panda, pants, paper clip,
parachute, parrot, passport, peanut, pear, peas, pencil, penguin, piano, pickup truck, picture frame, pig, pillow,
pineapple, pizza, pliers, police car, pond, pool, popsicle, postcard, potato, power outlet, purse, rabbit, raccoon,
radio, rain, rainbow, rake, remote control, rhinoceros, rifle, river, roller coaster, rollerskates, sailboat,
sandwich, saw, saxophone, school bus, scissors, scorpion, screwdriver, sea turtle, see saw, shark, sheep, shoe,
shorts, shovel, sink, skateboard, skull, skyscraper, sleeping bag, smiley face, snail, snake, snorkel, snowflake,
snowman, soccer ball, sock, speedboat, spider, spoon, spreadsheet, square, squiggle, squirrel, stairs, star, steak,
stereo, stethoscope, stitches, stop sign, stove, strawberry, streetlight, string bean, submarine, suitcase, sun,
swan, sweater, swing set, sword, syringe, t-shirt, table, teapot, teddy-bear, telephone, television, tennis racquet,
tent, tiger, toaster, toe, toilet, tooth, toothbrush, toothpaste, tornado, tractor, traffic light, train, tree,
triangle, trombone, truck, trumpet, umbrella, underwear, van, vase, violin, washing machine, watermelon, waterslide,
whale, wheel, windmill, wine bottle, wine glass, wristwatch, yoga, zebra, zigzag
""".strip(),
    )
)
"""The 345 categories, as Google spells them."""


@dataclass(frozen=True)
class FileKind:
    """A kind of files in which the drawings are published.

    Attributes:
        folder: folder under the base address.
        suffix: suffix of the published files.
        saved_suffix: suffix of downloaded files. All kinds can be downloaded into one folder.
    """

    folder: str
    suffix: str
    saved_suffix: str

    def address(self, category: str, base: str = BASE_ADDRESS) -> str:
        """Return the address of a category's file.

        >>> KINDS["npz"].address("alarm clock")
        'https://storage.googleapis.com/quickdraw_dataset/sketchrnn/alarm%20clock.npz'
        """
        return f"{base.rstrip('/')}/{self.folder}/{quote(category)}{self.suffix}"

    def file_name(self, category: str, limit: int | None = None) -> str:
        """Return the name of a category's downloaded file.

        >>> KINDS["binary"].file_name("cat"), KINDS["raw"].file_name("cat", limit=50)
        ('cat.bin', 'cat.first50.raw.ndjson')
        """
        return f"{category}{'' if limit is None else f'.first{limit}'}{self.saved_suffix}"


KINDS = {
    "simplified": FileKind("full/simplified", ".ndjson", ".ndjson"),
    "raw": FileKind("full/raw", ".ndjson", ".raw.ndjson"),
    "binary": FileKind("full/binary", ".bin", ".bin"),
    "npz": FileKind("sketchrnn", ".npz", ".npz"),
}


def find_categories(names: Iterable[str]) -> list[str]:
    """Return categories as Google spells them, without duplicates. Case, hyphens and underscores do not matter.

    Raises:
        CategoryError: a name is not one of the 345 categories; the message lists similar names.

    >>> find_categories(["Alarm_clock", "the eiffel tower"])
    ['alarm clock', 'The Eiffel Tower']
    """
    known = {_plain(category): category for category in CATEGORIES}
    found = []
    for name in names:
        if _plain(name) not in known:
            alike = [known[plain] for plain in difflib.get_close_matches(_plain(name), known, n=3)]
            hint = (
                f"did you mean {' or '.join(map(repr, alike))}?" if alike else "`sketchrnn download --list` prints all"
            )
            raise CategoryError(f"expected a Quick, Draw! category, found {name!r}; {hint}")
        found.append(known[_plain(name)])
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class DownloadTask:
    """A file to download.

    Attributes:
        address: the file's address.
        path: the path of the downloaded file.
        kind: a key of KINDS.
        limit: number of drawings to download; None for all.
    """

    address: str
    path: Path
    kind: str
    limit: int | None


class Observer(Protocol):
    """Receives the progress of downloads, from several threads."""

    def on_bytes(self, task: DownloadTask, done: int, total: int | None) -> None:
        """Receive the number of downloaded bytes of a file, and of all its bytes if it is known."""

    def on_file(self, task: DownloadTask) -> None:
        """Receive a complete file."""


def plan(names: Iterable[str], kind: str, folder: str | Path, limit: int | None, base: str) -> list[DownloadTask]:
    """Return the downloads of a kind (a key of KINDS) for some categories, of all drawings or of the first ones.

    Raises:
        CategoryError: a name is not one of the 345 categories.
    """
    form = KINDS[kind]
    return [
        DownloadTask(form.address(category, base), Path(folder) / form.file_name(category, limit), kind, limit)
        for category in find_categories(names)
    ]


def fetch(tasks: Sequence[DownloadTask], *, jobs: int, observer: Observer, retries: Retries | None = None) -> None:
    """Download ``jobs`` files at a time. The first error stops all; the next download resumes the files that remain.

    Raises:
        SketchRNNError: a file cannot be downloaded or written.
    """
    cancelled = threading.Event()

    def one(task: DownloadTask) -> None:
        if cancelled.is_set():
            return
        cut = None if task.limit is None else functools.partial(first_drawings, task.kind, task.limit)
        download(
            task.address,
            task.path,
            progress=functools.partial(observer.on_bytes, task),
            cut=cut,
            retries=retries,
            cancelled=cancelled,
        )
        observer.on_file(task)

    for folder in {task.path.parent for task in tasks}:
        make_folder(folder)
    pool = ThreadPoolExecutor(jobs)
    try:
        for future in as_completed([pool.submit(one, task) for task in tasks]):
            future.result()
    finally:
        cancelled.set()
        pool.shutdown(cancel_futures=True)


def first_drawings(kind: str, limit: int) -> Callable[[bytes], int | None]:
    """Return a function that ends a download after some drawings, for :func:`sketchrnn.download.download`.

    The function receives the file in blocks. It returns None as long as more drawings are needed, then the number of
    bytes of the last block that belong to the drawings.

    Raises:
        ValueError: a file of this kind cannot be read in part.
    """
    if kind == "npz":
        raise ValueError("an npz file cannot be read in part")
    return _BinaryCounter(limit) if kind == "binary" else _LineCounter(limit)


class _LineCounter:
    def __init__(self, limit: int) -> None:
        self._left = limit

    def __call__(self, block: bytes) -> int | None:
        lines = block.count(b"\n")
        if lines < self._left:
            self._left -= lines
            return None
        end = 0
        for _ in range(self._left):
            end = block.index(b"\n", end) + 1
        return end


class _BinaryCounter:
    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pending = b""  # the beginning of a drawing

    def __call__(self, block: bytes) -> int | None:
        content, end = self._pending + block, 0
        while self._left and (strokes := strokes_of(content, end)) is not None:
            start, points = strokes[-1] if strokes else (end + HEADER.size, 0)
            end = start + 2 * points
            self._left -= 1
        if not self._left:
            return end - len(self._pending)
        self._pending = content[end:]
        return None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
