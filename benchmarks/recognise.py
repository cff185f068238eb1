"""Are completions taken for what they are meant to be? A classifier of real drawings judges those of a model.

    python benchmarks/recognise.py train simplified/*.ndjson --also sheep --classifier out/classifier.pt
    python benchmarks/recognise.py complete simplified/*.ndjson --classifier out/classifier.pt [--model M]
    python benchmarks/recognise.py generate simplified/*.ndjson --classifier out/classifier.pt --decoders bird.gen.json
    python benchmarks/recognise.py choose --classifier out/classifier.pt [--model M]

Every drawing, real or not, is first brought to one form (255 box, simplified as Google simplifies, whole pixels), and
learned with a pixel of noise: else the classifier would tell where a drawing comes from, not what it shows.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from results import machine, write_results
from torch import Tensor, nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.choice import draw_best, flaws, scribbles
from sketchrnn.model.completion import Completion
from sketchrnn.model.completion import complete as draw
from sketchrnn.model.loading import load_model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import simplify

FEWEST, MANY = 150, 500
TEMPERATURES = (1.0, 0.5)
SHARES = (0.25, 0.5)
OFFSET_SCALE = 26.0
UNITS = 192


class Classifier(nn.Module):
    """A bidirectional LSTM over stroke-3 rows, its states' mean and maximum, and a linear layer."""

    def __init__(self, categories: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, UNITS, num_layers=2, bidirectional=True, dropout=0.2, batch_first=True)
        self.output = nn.Sequential(nn.Dropout(0.3), nn.Linear(4 * UNITS, categories))

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, categories) of rows (B, N, 3), padded with zeros."""
        states, _ = self.lstm(rows)
        real = (torch.arange(rows.shape[1])[None] < lengths[:, None])[..., None]
        mean = (states * real).sum(1) / lengths[:, None]
        largest = states.masked_fill(~real, -1e9).amax(1)
        return self.output(torch.cat([mean, largest], dim=-1))


def form_of(sketch: Sketch) -> np.ndarray:
    """Return the stroke-3 rows of a drawing in the one form, in pixels."""
    return simplify(replace(sketch, pen_down=False)).to_stroke3()


def padded(rows: list[np.ndarray], noise: np.random.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Make a batch; with ``noise``, every point off by a pixel or so, stretched and mirrored at random."""
    lengths = np.array([len(one) for one in rows])
    batch = np.zeros((len(rows), lengths.max(), 3), np.float32)
    for place, one in enumerate(rows):
        batch[place, : len(one)] = one
        if noise is not None:
            shifted = noise.normal(0, 1, (len(one), 2))
            batch[place, : len(one), :2] += np.diff(shifted, axis=0, prepend=0)
    if noise is not None:
        batch[..., :2] *= noise.uniform(0.85, 1.15, (len(rows), 1, 2))
    batch[..., :2] /= OFFSET_SCALE
    return torch.from_numpy(batch), torch.from_numpy(lengths)


def frequent(drawings: Drawings, fewest: int = FEWEST) -> list[str]:
    """Return the categories with so many drawings or more."""
    counts = np.bincount(drawings.category, minlength=len(drawings.categories))
    return [name for name, count in zip(drawings.categories, counts, strict=True) if count >= fewest]


def sketch_of(drawings: Drawings, place: int, share: float = 1.0) -> Sketch:
    """Return the first part of a drawing."""
    rows = drawings.stroke3(place)
    return Sketch.from_stroke3(rows[: int(np.ceil(len(rows) * share))])


def train(arguments: argparse.Namespace) -> None:
    """Train a classifier, keep it, and say how often it is right on the test drawings."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    drawings, report = load(arguments.files, max_length=250)
    print(report, flush=True)
    names = frequent(drawings) + arguments.also
    index = {drawings.categories.index(name): place for place, name in enumerate(names)}
    parts = {}
    for split in ("train", "test"):
        part = drawings.of_split(split)
        places = [place for place in range(len(part)) if part.category[place] in index]
        labels = np.array([index[part.category[place]] for place in places])
        parts[split] = [form_of(sketch_of(part, place)) for place in places], labels
    rows, labels = parts["train"]
    weight = 1.0 / np.sqrt(np.bincount(labels, minlength=len(names)))
    weight = torch.from_numpy((weight / weight.mean()).astype(np.float32))
    network = Classifier(len(names))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    batches = len(rows) // arguments.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=arguments.epochs * batches)
    lengths = np.array([len(one) for one in rows])
    for epoch in range(arguments.epochs):
        network.train()
        order = np.argsort(lengths + generator.uniform(0, 8, len(rows)))  # of similar length, not always the same
        for places in generator.permutation(order[: batches * arguments.batch_size].reshape(batches, -1)):
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(*padded([rows[place] for place in places], generator))
            loss = nn.functional.cross_entropy(logits.float(), torch.from_numpy(labels[places]), weight)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        ranks = ranks_of(network, *parts["test"])
        print(f"epoch {epoch + 1}: test {np.mean(ranks == 0):.3f}, first three {np.mean(ranks < 3):.3f}", flush=True)
    Path(arguments.classifier).parent.mkdir(parents=True, exist_ok=True)
    torch.save({"names": names, "weights": network.state_dict()}, arguments.classifier)


@torch.no_grad()
def ranks_of(network: Classifier, rows: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return the place of each drawing's own category among the classifier's guesses, 0 for the first."""
    network.eval()
    ranks = np.zeros(len(rows), np.int64)
    order = np.argsort([len(one) for one in rows])
    for places in np.array_split(order, max(1, len(rows) // 200)):
        if len(places):
            logits = network(*padded([rows[place] for place in places]))
            own = logits.gather(1, torch.from_numpy(labels[places])[:, None])
            ranks[places] = (logits > own).sum(1).numpy()
    return ranks


def judge(network: Classifier, names: list[str], sketches: list[Sketch], category: str) -> np.ndarray:
    """Return the ranks of drawings that are meant to show a category; those that show nothing are last."""
    rows = [form_of(sketch) if sketch.point_count else np.zeros((1, 3)) for sketch in sketches]
    rows = [one if len(one) else np.zeros((1, 3)) for one in rows]
    return ranks_of(network, rows, np.full(len(rows), names.index(category)))


def load_classifier(path: str) -> tuple[Classifier, list[str]]:
    """Return a classifier that ``train`` kept, and its categories."""
    stored = torch.load(path, weights_only=True)
    network = Classifier(len(stored["names"]))
    network.load_state_dict(stored["weights"])
    return network, stored["names"]


def complete(arguments: argparse.Namespace) -> None:
    """Complete the first parts of test drawings, and judge them beside the whole drawings."""
    classifier, names = load_classifier(arguments.classifier)
    network = NumpyNetwork(load_model(arguments.model))
    drawings, _ = load(arguments.files, max_length=250)
    test = drawings.of_split("test")
    sampling = sampling_of(arguments)
    lines = [
        f"{machine('cpu')}; {arguments.each} test drawings of a category, {described(arguments)}.",
        "",
        "| category | real | from 25 %: taken for it / first three / ended | from 50 % |",
        "| --- | --- | --- | --- |",
    ]
    table = []
    for name in names:
        places = np.flatnonzero(test.category == test.categories.index(name))[: arguments.each]
        if len(places) < arguments.each:
            continue
        real = judge(classifier, names, [sketch_of(test, place) for place in places], name)
        row = [np.mean(real == 0)]
        for share in SHARES:
            drawn: list[tuple[Sketch, Completion]] = []
            for number, place in enumerate(places):
                prefix = sketch_of(test, place, share)
                seen = see_prefix(network, prefix, network.configuration.category_index(name))
                one_sampling = replace(sampling, seed=number)
                drawn.append((prefix, draw_best(network, seen, name, 1, one_sampling, arguments.choose_from)[0]))
            ranks = judge(classifier, names, [one.joined(prefix) for prefix, one in drawn], name)
            ended = np.mean([one.ended for _, one in drawn])
            row += [np.mean(ranks == 0), np.mean(ranks < 3), ended]
        table.append(row)
        lines.append(line_of(name, row))
        print(lines[-1], flush=True)
    mean = np.mean(table, axis=0)
    lines += [
        line_of("mean", mean),
        "",
        f"Share of the real ones' figure: {mean[1] / mean[0]:.2f} and {mean[4] / mean[0]:.2f}.",
    ]
    write_results("recognise", lines)


def line_of(name: str, row: np.ndarray | list[float]) -> str:
    """Return a row of the table."""
    real, *rest = (f"{value:.0%}" for value in row)
    return f"| {name} | {real} | {' / '.join(rest[:3])} | {' / '.join(rest[3:])} |"


def generate(arguments: argparse.Namespace) -> None:
    """Draw from nothing, and judge that beside the drawings of Google's decoders and beside real ones."""
    classifier, names = load_classifier(arguments.classifier)
    network, count = NumpyNetwork(load_model(arguments.model)), arguments.each

    def row_of(network: NumpyNetwork, name: str, sampling: SamplingConfiguration, choose_from: int) -> list[float]:
        drawn = draw_best(network, see_prefix(network, Sketch(())), name, count, sampling, choose_from)
        ranks = judge(classifier, names, [one.sketch for one in drawn], name)
        in_place = np.mean([scribbles(one.sketch) for one in drawn])
        return [np.mean(ranks == 0), np.mean(ranks < 3), np.mean([one.ended for one in drawn]), in_place]

    figures = "taken for it | first three | ended | scribble"
    lines = [f"{machine('cpu')}; {count} drawings of each, ours with guidance {arguments.guidance:g}.", ""]
    lines += [f"| category | temperature, the pen's too | drawn by | {figures} |", "| --- " * 7 + "|"]
    for path in arguments.decoders:
        name = Path(path).name.split(".")[0]
        theirs = NumpyNetwork(load_model(path))
        for temperature in TEMPERATURES:
            sampling = SamplingConfiguration(temperature, pen_temperature=temperature, guidance=arguments.guidance)
            for whose, drawer, choose_from in (
                ("Google's decoder", theirs, 1),
                ("ours", network, 1),
                (f"ours, the best of {arguments.choose_from}", network, arguments.choose_from),
            ):
                row = " | ".join(f"{value:.0%}" for value in row_of(drawer, name, sampling, choose_from))
                lines.append(f"| {name} | {temperature:g} | {whose} | {row} |")
                print(lines[-1], flush=True)
    drawings, _ = load(arguments.files, max_length=250)
    test = drawings.of_split("test")
    lines += ["", f"Beside real test drawings: {described(arguments)}.", ""]
    lines += [f"| category | real, taken for it | {figures} |", "| --- " * 6 + "|"]
    table = []
    for name in [name for name in frequent(drawings, MANY) if name in names]:
        places = np.flatnonzero(test.category == test.categories.index(name))
        real = judge(classifier, names, [sketch_of(test, place) for place in places], name)
        table.append([np.mean(real == 0), *row_of(network, name, sampling_of(arguments), arguments.choose_from)])
        lines.append(f"| {name} | {' | '.join(f'{value:.0%}' for value in table[-1])} |")
        print(lines[-1], flush=True)
    lines.append(f"| mean | {' | '.join(f'{value:.1%}' for value in np.mean(table, axis=0))} |")
    write_results("generated", lines)


def choose(arguments: argparse.Namespace) -> None:
    """Draw each from nothing several times, and say which rule chooses the one that is taken for its category."""
    classifier, names = load_classifier(arguments.classifier)
    network = NumpyNetwork(load_model(arguments.model))
    empty, attempts = see_prefix(network, Sketch(())), arguments.choose_from
    taken: dict[str, list[float]] = {}
    drawn_all = []
    for name in names[:: arguments.every]:
        sampling = sampling_of(arguments)
        drawn = draw(network, empty, name, arguments.each, sampling, attempts, weighed=sampling.max_points)
        halved = draw_best(network, empty, name, arguments.each, sampling, attempts)
        drawn_all += drawn
        right = judge(classifier, names, [one.sketch for one in drawn], name) == 0
        right_of_halved = judge(classifier, names, [one.sketch for one in halved], name) == 0
        taken.setdefault("by halving", []).append(right_of_halved.mean())
        flawed = 1e6 * np.array([flaws(network, empty, one) for one in drawn])
        rules = {
            "the first": 0 * flawed,
            "the first without a flaw": flawed,
            "the likeliest": flawed + [one.nats_per_point for one in drawn],
            "shows its category most": flawed - [one.category_gain for one in drawn],
            "the longest": flawed - [one.sketch.point_count for one in drawn],
        }
        for rule, rank in rules.items():
            best = rank.reshape(-1, attempts).argmin(1)
            taken.setdefault(rule, []).append(right.reshape(-1, attempts)[np.arange(len(best)), best].mean())
    ended = np.mean([one.ended for one in drawn_all])
    in_place = np.mean([scribbles(one.sketch) for one in drawn_all])
    headings = ["temperature", "pen's", "of", "ended", "scribble", *taken]
    values = [f"{arguments.temperature:g}", f"{arguments.pen_temperature:g}", str(attempts)]
    values += [f"{ended:.0%}", f"{in_place:.1%}", *(f"{np.mean(shares):.1%}" for shares in taken.values())]
    for row in (headings, ["---"] * len(headings), values):
        print(f"| {' | '.join(row)} |")


def sampling_of(arguments: argparse.Namespace) -> SamplingConfiguration:
    """Return how the arguments ask to draw."""
    return SamplingConfiguration(
        arguments.temperature, pen_temperature=arguments.pen_temperature, guidance=arguments.guidance
    )


def described(arguments: argparse.Namespace) -> str:
    """Return it in words."""
    pen, best = arguments.pen_temperature, arguments.choose_from
    return (
        f"temperature {arguments.temperature:g}, the pen's {pen:g}, guidance {arguments.guidance:g}, the best of {best}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(required=True)
    for job in (train, complete, generate, choose):
        one = jobs.add_parser(job.__name__, help=job.__doc__)
        one.set_defaults(job=job)
        one.add_argument("--classifier", required=True)
        if job is not choose:
            one.add_argument("files", nargs="+")
        if job is train:
            one.add_argument("--epochs", type=int, default=12)
            one.add_argument("--batch-size", type=int, default=128)
            one.add_argument("--also", action="append", default=[], help="a category with fewer drawings")
            continue
        one.add_argument("--model", help="default: the model that ships")
        one.add_argument("--each", type=int, default=200 if job is generate else 12, help="drawings of a category")
        one.add_argument("--temperature", type=float, default=SamplingConfiguration().temperature)
        one.add_argument("--pen-temperature", type=float, default=SamplingConfiguration().pen_temperature)
        one.add_argument("--guidance", type=float, default=SamplingConfiguration().guidance)
        one.add_argument("--choose-from", type=int, default=4)
        if job is generate:
            one.add_argument("--decoders", nargs="*", default=[], help="Google's, as .gen.json")
        if job is choose:
            one.add_argument("--every", type=int, default=4, help="which of the categories: every fourth")
    arguments = parser.parse_args()
    arguments.job(arguments)


if __name__ == "__main__":
    main()
