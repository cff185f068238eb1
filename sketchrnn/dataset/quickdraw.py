"""What Google's Quick, Draw! dataset is made of: its categories, its kinds of files, and where they are."""

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
    """One of the forms in which the drawings are published.

    Attributes:
        folder: under the base address.
        suffix: of the files there.
        saved_suffix: of the files here, where the kinds can lie in one folder.
    """

    folder: str
    suffix: str
    saved_suffix: str

    def address(self, category: str, base: str = BASE_ADDRESS) -> str:
        """Return where a category's file is.

        >>> KINDS["npz"].address("alarm clock")
        'https://storage.googleapis.com/quickdraw_dataset/sketchrnn/alarm%20clock.npz'
        """
        return f"{base.rstrip('/')}/{self.folder}/{quote(category)}{self.suffix}"

    def file_name(self, category: str, limit: int | None = None) -> str:
        """Return what a category's file is called here.

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
    """Return categories as Google spells them, each once; case, hyphens and underscores do not matter.

    Raises:
        CategoryError: a name is none of the 345; the message names those that are spelled alike.

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
            raise CategoryError(f"Quick, Draw! has no category {name!r}; {hint}")
        found.append(known[_plain(name)])
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Wanted:
    """A file that is to be fetched.

    Attributes:
        address: where it is.
        path: where it goes.
        kind: a key of KINDS.
        limit: drawings after which it is cut; None for all.
    """

    address: str
    path: Path
    kind: str
    limit: int | None


class Observer(Protocol):
    """Is told how fetching goes, by several threads."""

    def on_bytes(self, wanted: Wanted, done: int, total: int | None) -> None:
        """So many bytes of a file are there."""

    def on_file(self, wanted: Wanted) -> None:
        """A file is whole."""


def plan(names: Iterable[str], kind: str, folder: str | Path, limit: int | None, base: str) -> list[Wanted]:
    """Return which files hold the drawings of categories.

    Args:
        names: the categories.
        kind: a key of KINDS.
        folder: where the files go.
        limit: drawings after which each is cut; None for all.
        base: the address that the dataset's files are under.

    Raises:
        CategoryError: a name is none of the 345.
    """
    form = KINDS[kind]
    return [
        Wanted(form.address(category, base), Path(folder) / form.file_name(category, limit), kind, limit)
        for category in find_categories(names)
    ]


def fetch(files: Sequence[Wanted], *, jobs: int, observer: Observer, retries: Retries | None = None) -> None:
    """Fetch files, several at a time. The first error ends it; what is there by then is kept, and gone on with.

    Args:
        files: which.
        jobs: how many at a time.
        observer: is told how it goes.
        retries: how often to try.

    Raises:
        SketchRNNError: a file cannot be fetched or written.
    """
    cancelled = threading.Event()

    def one(wanted: Wanted) -> None:
        if cancelled.is_set():
            return
        cut = None if wanted.limit is None else functools.partial(first_drawings, wanted.kind, wanted.limit)
        download(
            wanted.address,
            wanted.path,
            progress=functools.partial(observer.on_bytes, wanted),
            cut=cut,
            retries=retries,
            cancelled=cancelled,
        )
        observer.on_file(wanted)

    for folder in {wanted.path.parent for wanted in files}:
        make_folder(folder)
    pool = ThreadPoolExecutor(jobs)
    try:
        for future in as_completed([pool.submit(one, wanted) for wanted in files]):
            future.result()
    finally:
        cancelled.set()
        pool.shutdown(cancel_futures=True)


def first_drawings(kind: str, limit: int) -> Callable[[bytes], int | None]:
    """Return what cuts a file after so many drawings, for :func:`sketchrnn.download.download`.

    It is given the file block by block and returns how many bytes of the last block belong to these drawings, or None
    if all of them do and more.

    Raises:
        ValueError: drawings of this kind do not stand one behind the other.
    """
    if kind == "npz":
        raise ValueError("an npz file cannot be cut")
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
    """Goes from drawing to drawing and from stroke to stroke, by the counts that they begin with."""

    _HEADER, _COUNT = 17, 2  # bytes: the drawing's fields, last of them its strokes; a stroke's points

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pending = b""
        self._strokes = 0

    def __call__(self, block: bytes) -> int | None:
        content, place = self._pending + block, 0
        while self._left:
            size = self._COUNT if self._strokes else self._HEADER
            if len(content) - place < size:
                break
            count = int.from_bytes(content[place + size - 2 : place + size], "little")
            if self._strokes:
                if len(content) - place < size + 2 * count:
                    break
                place += size + 2 * count
                self._strokes -= 1
            else:
                place += size
                self._strokes = count
            if not self._strokes:
                self._left -= 1
        if not self._left:
            return place - len(self._pending)
        self._pending = content[place:]
        return None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
