import itertools

import numpy as np
import pytest
import torch
from builders import CONFIGURATIONS, checkpoint_of, network_of, small_model

from sketchrnn.model.completion import complete, stream
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch

PREFIXES = {
    "empty": Sketch(()),
    "pen up": Sketch.from_polylines([[(10, 10), (90, 20.5)], [(40, 40)]]),
    "pen down": Sketch.from_polylines([[(10, 10), (90, 20.5), (30, 31)]], pen_down=True),
}


def sketches_of(steps, prefix, count):
    """Put streamed points together into drawings, as a client does."""
    strokes = [[[tuple(prefix.last_point)] if prefix.pen_down or not prefix.strokes else []] for _ in range(count)]
    lengths = [0] * count
    for step in steps:
        for drawing, point, lift in zip(step.drawings, step.points, step.lifts, strict=True):
            strokes[drawing][-1].append(tuple(point))
            lengths[drawing] += 1
            if lift:
                strokes[drawing].append([])
    return [
        [stroke for stroke in drawing if stroke] if length else []
        for drawing, length in zip(strokes, lengths, strict=True)
    ]


@pytest.mark.parametrize("kind", CONFIGURATIONS)
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_a_stream_draws_what_complete_draws(kind, prefix):
    configuration = small_model(**CONFIGURATIONS[kind])
    torch_network = network_of(configuration)
    with torch.no_grad():
        torch_network.decoder.output.bias[2] -= 4.0  # drawings of some length
    network = NumpyNetwork(checkpoint_of(torch_network))
    category = "pig" if configuration.conditional else None
    sampling = SamplingConfiguration(max_points=25, seed=3)
    seen = see_prefix(network, prefix, scale=2.0)
    whole = complete(network, seen, category, 5, sampling)
    assert any(completion.sketch.point_count > 3 for completion in whole)
    streamed = sketches_of(stream(network, seen, category, 5, sampling), prefix, 5)
    assert streamed == [completion.sketch.polylines() for completion in whole]


def test_a_stream_draws_no_more_than_is_asked_for():
    network = NumpyNetwork(checkpoint_of(network_of(small_model())))
    taken = 0
    step = network.step

    def counted(state, rows):
        nonlocal taken
        taken += 1
        return step(state, rows)

    network.step = counted
    first = list(
        itertools.islice(
            stream(network, see_prefix(network, Sketch(())), None, 4, SamplingConfiguration(max_points=200)), 3
        )
    )
    assert [len(one.drawings) for one in first] == sorted((len(one.drawings) for one in first), reverse=True)
    assert all(np.isfinite(one.points).all() for one in first)
    assert taken < 10
