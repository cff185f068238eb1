import numpy as np
import pytest
import torch
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, seen_by, small_model
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model import guess as module
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, MOST_COUNTED
from sketchrnn.model.guess import guess_by_likelihood
from sketchrnn.model.likelihood import log_likelihood
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import rows_of
from sketchrnn.sketch import Sketch
from sketchrnn.training.network.losses import Mixture, row_losses

SKETCH = Sketch.from_polylines([[(0, 0), (20, 5), (40, 50)], [(10, 10)], [(30, 3), (31, 60)]])


def network_pair(kind="vae with categories", spread=0.3):
    network = network_of(small_model(**CONFIGURATIONS[kind]), spread=spread)
    return network, NumpyNetwork(checkpoint_of(network))


def likelihood(network, rows, category, **settings):
    return log_likelihood(network, network.start(network.conditioning(category)), rows[None], **settings)


@pytest.mark.parametrize("kind", ["vae with categories", "decoder only with categories", "decoder only"])
@torch.no_grad()
def test_the_likelihood_is_the_torch_networks(kind):
    network, ours = network_pair(kind)
    rows = rows_of(ours, SKETCH)
    category = np.arange(len(network.configuration.categories) or 1)
    stroke5 = torch.from_numpy(rows).expand(len(category), -1, -1)
    output, _ = network.decoder(stroke5[:, :-1], network.conditioning(None, torch.from_numpy(category)))
    lengths = torch.full((len(category),), len(rows) - 1)
    offset, pen = row_losses(Mixture.from_output(output), stroke5[:, 1:], lengths, pen_rows="real")
    np.testing.assert_allclose(likelihood(ours, rows, category), -(offset + pen).sum(1), atol=1e-4)


def test_probabilities_follow_the_likelihood_and_sum_to_one():
    _, network = network_pair()
    guesses = guess_by_likelihood(network, seen_by(network, SKETCH, scale=1.0))
    expected = likelihood(network, rows_of(network, SKETCH), np.arange(len(CATEGORIES)))
    expected = np.exp(expected) / np.exp(expected).sum()
    assert sum(one.probability for one in guesses) == pytest.approx(1.0)
    assert [one.category for one in guesses] == [CATEGORIES[index] for index in np.argsort(-expected)]
    assert [one.probability for one in guesses] == pytest.approx(sorted(expected, reverse=True))
    assert guesses[0].probability > 1.05 * guesses[-1].probability


@given(st.floats(0.01, 5.0))
def test_giving_up_a_category_keeps_the_order_of_the_others(margin):
    _, network = network_pair(spread=1.0)
    rows = rows_of(network, SKETCH)
    whole = likelihood(network, rows, np.arange(len(CATEGORIES)))
    cut = likelihood(network, rows, np.arange(len(CATEGORIES)), margin=margin)
    best = int(cut.argmax())
    assert cut[best] == pytest.approx(whole[best], rel=1e-6)
    for one, other in zip(cut, whole, strict=True):
        assert one == pytest.approx(other, rel=1e-6) or one < cut[best] - margin


def test_a_category_is_given_up(monkeypatch):
    _, network = network_pair(spread=1.0)
    prefix = seen_by(network, SKETCH, scale=1.0)
    sizes = []
    original = NumpyNetwork.step

    def spy(self, state, rows):
        sizes.append(len(rows))
        return original(self, state, rows)

    monkeypatch.setattr(NumpyNetwork, "step", spy)
    monkeypatch.setattr(module, "MARGIN", 1e-6)
    guess_by_likelihood(network, prefix)
    assert sizes[0] == len(CATEGORIES)
    assert sizes[-1] == 1


def test_a_category_that_training_had_more_often_is_more_probable():
    network, even = network_pair()
    seen = NumpyNetwork(checkpoint_of(network, training={CATEGORY_COUNTS: [0, 9, 99]}))
    assert [one.probability for one in guess_by_likelihood(seen, seen_by(seen, Sketch(())))] == pytest.approx(
        [100 / 111, 10 / 111, 1 / 111]
    )
    before = {one.category: one.probability for one in guess_by_likelihood(even, seen_by(even, SKETCH, scale=1.0))}
    after = {one.category: one.probability for one in guess_with(seen)}
    for name, times in zip(CATEGORIES, (1, 10, 100), strict=True):
        ratio = (after[name] / before[name]) / (after[CATEGORIES[0]] / before[CATEGORIES[0]])
        assert ratio == pytest.approx(times)


def test_beyond_a_limit_more_drawings_in_training_make_a_category_no_more_probable():
    network, _ = network_pair()
    counts = [0, MOST_COUNTED, 100 * MOST_COUNTED]
    prior = checkpoint_of(network, training={CATEGORY_COUNTS: counts}).category_log_prior
    assert np.exp(prior).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.exp(prior - prior[0]), [1, MOST_COUNTED, MOST_COUNTED])


@pytest.mark.parametrize("counts", [[1, 2, -3], [1.5, 2, 3], "many"])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(CheckpointError, match="category_counts: expected numbers of drawings"):
        checkpoint_of(network_pair()[0], training={CATEGORY_COUNTS: counts})


def test_nothing_drawn_tells_nothing():
    _, network = network_pair()
    assert [one.probability for one in guess_by_likelihood(network, seen_by(network, Sketch(())))] == pytest.approx(
        [1 / 3] * 3
    )


def guess_with(network):
    return guess_by_likelihood(network, seen_by(network, SKETCH, scale=1.0))


def test_what_cannot_guess_says_so():
    with pytest.raises(ConfigurationError, match="trained without"):
        guess_with(network_pair("decoder only")[1])
    with pytest.raises(ConfigurationError, match="latent_dropout 0"):
        guess_with(NumpyNetwork(checkpoint_of(network_of(small_model(categories=CATEGORIES, latent_dropout=0.0)))))
