"""Are a model's drawings recognized, and do they vary as people's drawings do?

    python benchmarks/picture_classifier.py STORE --output out/classifier.pt
    python benchmarks/recognize.py STORE --classifier out/classifier.pt [--decoders FILE ...] [--best-of 1 4 16]
    python benchmarks/recognize.py STORE --classifier out/classifier.pt --only nothing --set clarity=0 guidance=1

A picture classifier, which is no part of the product, names test drawings of people and drawings of the model: from
nothing, completed from 25 % and 50 % of a test drawing, and reconstructed. "Recognized" is the share that it names
correctly. The Frechet distance compares the features with those of one sample of people's drawings; another
sample of people shows what is possible. Unless an option says otherwise, a model draws at its defaults.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from picture_classifier import Classifier, frechet_distance, judged, load_classifier, pictures_of, ranks
from results import machine, write_results

import sketchrnn
from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.errors import SketchRNNError
from sketchrnn.model.sampling import Request
from sketchrnn.sketch import Sketch

DECODER_TEMPERATURES = (0.25, 0.5, 1.0)
EACH = 40
"""Drawings of each category that are compared with Google's decoders."""


@dataclass(frozen=True)
class Sample:
    """Test drawings of people, as many of each category.

    Attributes:
        sketches: the drawings.
        category: index of each one's category, (drawings,).
        names: the categories.
    """

    sketches: list[Sketch]
    category: NDArray[np.int64]
    names: list[str]

    @classmethod
    def of(cls, drawings: Drawings, names: Sequence[str], each: int, skip: int = 0) -> Sample:
        """Take ``each`` drawings of every category, after the first ``skip``; fewer where there are fewer."""
        sketches, category = [], []
        for name in names:
            chosen = np.flatnonzero(drawings.category == drawings.categories.index(name))
            chosen = np.random.default_rng(0).permutation(chosen)[skip : skip + each]
            sketches += [Sketch.from_stroke3(drawings.stroke3(index)) for index in chosen.tolist()]
            category += [names.index(name)] * len(chosen)
        return cls(sketches, np.array(category), list(names))

    def first_part(self, index: int, share: float) -> Sketch:
        """Return the first rows of a drawing."""
        rows = self.sketches[index].to_stroke3()
        return Sketch.from_stroke3(rows[: int(np.ceil(len(rows) * share))])


@dataclass(frozen=True)
class Judge:
    """The classifier, and people's drawings that others are compared with.

    Attributes:
        classifier: names pictures.
        names: its categories.
        reference: features of people's drawings.
    """

    classifier: Classifier
    names: list[str]
    reference: NDArray[np.float32]

    def look(self, sketches: Sequence[Sketch]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features and logits of drawings."""
        return judged(self.classifier, pictures_of(sketches))

    def row(self, title: str, sketches: Sequence[Sketch], category: NDArray[np.int64], names: Sequence[str]) -> str:
        """Return a row of the table."""
        features, logits = self.look(sketches)
        own = np.array([self.names.index(name) for name in names])[category]
        rank = ranks(logits, own)
        distance = frechet_distance(features, self.reference)
        return f"| {title} | {np.mean(rank == 0):.1%} | {np.mean(rank < 3):.1%} | {distance:.2f} |"


def completed(
    model: sketchrnn.Model, sample: Sample, share: float, settings: dict[str, Any]
) -> tuple[list[Sketch], float]:
    """Complete the first part of every drawing; return the drawings, and the share that ended by themselves."""
    requests = [
        Request.of(sample.first_part(index, share), sample.names[category], {**settings, "seed": index})
        for index, category in enumerate(sample.category)
    ]
    drawn = drawings_of(model.complete_many(requests))
    return [one.sketch for one in drawn], float(np.mean([one.ended for one in drawn]))


def drawn_from_nothing(model: sketchrnn.Model, names: Sequence[str | None], settings: dict[str, Any]) -> list[Sketch]:
    """Draw each category from nothing."""
    return [one.sketch for one in drawings_of(model.complete_many(Request.of(None, name, settings) for name in names))]


def drawings_of(results: Iterable[list[sketchrnn.Drawing] | SketchRNNError]) -> list[sketchrnn.Drawing]:
    """Return all drawings of some requests; an error among them is raised."""
    drawn: list[sketchrnn.Drawing] = []
    for one in results:
        if isinstance(one, SketchRNNError):
            raise one
        drawn += one
    return drawn


def nearest_is_own(judge: Judge, sample: Sample, again: Sequence[Sketch]) -> float:
    """Return the mean rank of a drawing's own original among the category's, 0 nearest, 0.5 by chance."""
    features, others = judge.look(sample.sketches)[0], judge.look(again)[0]
    shares = []
    for index, feature in enumerate(others):
        same = np.flatnonzero(sample.category == sample.category[index])
        if len(same) > 1:
            distance = np.square(features[same] - feature).sum(1)
            shares.append(np.mean(distance[same != index] < distance[same == index]))
    return float(np.mean(shares))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="a store, or files of drawings")
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--each", type=int, default=4, help="drawings of a category")
    parser.add_argument("--best-of", type=int, nargs="+", default=[4])
    parser.add_argument("--categories", nargs="+", help="default: all of the model")
    parser.add_argument("--decoders", nargs="*", default=[], help="Google's, as .gen.json")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=NUMBER", help="settings of sampling")
    parser.add_argument("--only", nargs="+", default=["nothing", "completed", "reconstructed", "decoders"])
    arguments = parser.parse_args()
    model = sketchrnn.load(arguments.model)
    classifier, names = load_classifier(arguments.classifier)
    drawings, _ = load(arguments.files, max_length=400)
    test = drawings.of_split("test")
    chosen = arguments.categories or [name for name in model.categories if name in names]
    people = Sample.of(test, chosen, arguments.each)
    judge = Judge(classifier, names, classifier_features(classifier, Sample.of(test, chosen, 20, arguments.each)))
    started = time.time()
    lines = [f"{machine('cpu')}; {len(chosen)} categories, {arguments.each} drawings of each.", ""]
    lines += ["| drawn by | recognized | among 3 | Frechet distance |", "| --- | --- | --- | --- |"]

    def add(title: str, sketches: Sequence[Sketch], category: NDArray[np.int64], of: Sequence[str] = chosen) -> None:
        lines.append(judge.row(title, sketches, category, of))
        print(f"{lines[-1]}  ({time.time() - started:.0f} s)", flush=True)

    add("people", people.sketches, people.category)
    each_category = np.repeat(np.arange(len(chosen)), arguments.each)
    chosen_settings = {name: float(value) for name, value in (each.split("=") for each in arguments.set)}
    noted = "".join(f", {each}" for each in arguments.set)
    for best_of in arguments.best_of:
        settings: dict[str, Any] = {**chosen_settings, "best_of": best_of}
        if "nothing" in arguments.only:
            sketches = drawn_from_nothing(model, chosen, {**settings, "count": arguments.each})
            add(f"sketchrnn from nothing, best of {best_of}{noted}", sketches, each_category)
        for share in (0.25, 0.5) if "completed" in arguments.only else ():
            sketches, ended = completed(model, people, share, settings)
            add(f"completed from {share:.0%}, best of {best_of}{noted}; {ended:.1%} end", sketches, people.category)
    if "reconstructed" in arguments.only:
        asked = [
            Request.of(sketch, chosen[category], chosen_settings)
            for sketch, category in zip(people.sketches, people.category, strict=True)
        ]
        again = [one.sketch for one in drawings_of(model.reconstruct_many(asked))]
        add("reconstructed", again, people.category)
        lines += ["", f"Nearer to a reconstruction than its own original: {nearest_is_own(judge, people, again):.1%}"]
        lines[-1] += " of the other drawings of its category (50 % by chance)."
    if "decoders" in arguments.only and arguments.decoders:
        lines += ["", *against_decoders(model, judge, test, arguments.decoders)]
    write_results("recognize", lines)


def against_decoders(model: sketchrnn.Model, judge: Judge, test: Drawings, paths: Sequence[str]) -> list[str]:
    """Return a table of people, the model and Google's decoders, for the decoders' categories, EACH of each."""
    names = [Path(path).name.split(".")[0].replace("_", " ") for path in paths]
    people = Sample.of(test, names, EACH)
    rows = {"people": people.sketches, "sketchrnn": drawn_from_nothing(model, names, {"count": EACH})}
    for temperature in DECODER_TEMPERATURES:
        plain = {"temperature": temperature, "pen_temperature": temperature, "best_of": 1, "guidance": 1.0}
        rows[f"Google's decoders, temperature {temperature:g}"] = [
            sketch
            for path in paths
            for sketch in drawn_from_nothing(sketchrnn.load(path), [None], {**plain, "count": EACH})
        ]
    reference = classifier_features(judge.classifier, Sample.of(test, names, 2 * EACH, EACH))
    lines = ["| drawn by | " + "".join(f"{name} | " for name in names) + "all | Frechet distance |"]
    lines.append("| --- " * (len(names) + 3) + "|")
    for title, sketches in rows.items():
        category = people.category if title == "people" else np.repeat(np.arange(len(names)), EACH)
        features, logits = judge.look(sketches)
        right = ranks(logits, np.array([judge.names.index(name) for name in names])[category]) == 0
        shares = "".join(f"{right[category == number].mean():.0%} | " for number in range(len(names)))
        distance = frechet_distance(features, reference)
        lines.append(f"| {title} | {shares}{right.mean():.0%} | {distance:.2f} |")
    return lines


def classifier_features(classifier: Classifier, sample: Sample) -> NDArray[np.float32]:
    """Return the features of people's drawings."""
    return judged(classifier, pictures_of(sample.sketches))[0]


if __name__ == "__main__":
    main()
