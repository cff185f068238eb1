import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from builders import CATEGORIES, CONFIGURATIONS, drawings_of, network_of, random_drawings, rows_of_drawing, small_model
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from sketchrnn.errors import DatasetError
from sketchrnn.sketch.sketch import stroke5_from_stroke3
from sketchrnn.training import evaluation
from sketchrnn.training.evaluation import LATENTS, PREFIX_SHARES, default_latent, evaluate, fit_offset_scale
from sketchrnn.training.network.sketch_rnn import SketchRNN

SCALE = 26.5


def drawings_for(configuration, count=12, seed=0):
    return random_drawings(count, seed, categories=configuration.categories or ("pig",))


def stroke5_of(drawings, place, scale=SCALE):
    rows = rows_of_drawing(drawings, place)
    rows[:, :2] /= scale
    return torch.from_numpy(stroke5_from_stroke3(rows)).float()[None]


@torch.no_grad()
def losses_of_rows(network, stroke5, category, z):
    """-log p of each row's offset (in scales) and pen: from the rows before it, with torch's distributions."""
    conditioning, losses = network.conditioning(z, torch.tensor([category])), []
    count = network.configuration.mixtures
    for row in range(stroke5.shape[1] - 1):
        output, _ = network.decoder(stroke5[:, : row + 1], conditioning)
        output, target = output[0, -1].double(), stroke5[0, row + 1].double()
        pen, pi, (mu_x, mu_y, sigma_x, sigma_y, rho) = (
            output[:3],
            output[3 : 3 + count],
            output[3 + count :].view(5, -1),
        )
        x, y, across = sigma_x.exp(), sigma_y.exp(), rho.tanh() * (sigma_x + sigma_y).exp()
        covariance = torch.stack([torch.stack([x * x, across], -1), torch.stack([across, y * y], -1)], -1)
        normals = MultivariateNormal(torch.stack([mu_x, mu_y], -1), covariance)
        offset = -MixtureSameFamily(Categorical(logits=pi), normals).log_prob(target[:2])
        losses.append([offset.item(), -Categorical(logits=pen).log_prob(target[2:].argmax()).item()])
    return np.array(losses)


def by_loop(network, drawings, z_of):
    """nats (drawings, 4) and points (drawings, 4); ``z_of(stroke5, category, prefix)`` is the z to draw with."""
    nats: list[Any] = []
    points: list[Any] = []
    for place in range(len(drawings)):
        stroke5, category = stroke5_of(drawings, place), int(drawings.category[place])
        length = stroke5.shape[1] - 2
        nats.append([])
        points.append([])
        for share in PREFIX_SHARES:
            prefix = math.ceil(share * length)
            losses = losses_of_rows(network, stroke5, category, z_of(stroke5, category, prefix))
            total = losses[prefix:length].sum() + (length - prefix) * 2 * math.log(SCALE) + losses[length, 1]
            nats[-1].append(total)
            points[-1].append(length - prefix + 1)
    return np.array(nats), np.array(points)


def in_length_order(drawings):
    return drawings.subset(np.argsort(drawings.lengths, kind="stable"))


def assert_nats(scores, expected):
    nats, points = expected
    np.testing.assert_allclose(scores.nats, nats, rtol=1e-4, atol=1e-3)
    assert scores.points.tolist() == points.tolist()
    assert scores.nats_per_point == pytest.approx((nats.sum(0) / points.sum(0)).tolist(), rel=1e-4)


@pytest.mark.parametrize("kind", [kind for kind in CONFIGURATIONS if CONFIGURATIONS[kind].get("latent_dropout") != 0])
def test_nats_without_z_are_those_of_a_loop(kind):
    network = network_of(small_model(**CONFIGURATIONS[kind]))
    drawings = drawings_for(network.configuration)
    scores = evaluate(network, drawings, SCALE, 20, latent="none", batch_size=5)
    assert_nats(scores, by_loop(network, in_length_order(drawings), lambda *_: None))
    assert scores.category.tolist() == in_length_order(drawings).category.tolist()


@torch.no_grad()
@pytest.mark.parametrize("latent", ["prefix", "whole", "prior"])
def test_nats_with_z_are_those_of_a_loop(latent, monkeypatch):
    monkeypatch.setattr(evaluation, "_sample", lambda z_mean, z_logvar, generator: z_mean + 0.1 * z_logvar)
    network = network_of(small_model(**CONFIGURATIONS["vae with categories"]))
    drawings = drawings_for(network.configuration)

    def z_of(stroke5, category, prefix):
        length = {"prefix": prefix, "whole": stroke5.shape[1] - 2, "prior": 0}[latent]
        if length == 0:
            return torch.zeros(1, 4)  # the prior, N(0, 1)
        rows, lengths = stroke5[:, 1 : length + 1], torch.tensor([length])
        z_mean, z_logvar = network.encode(rows, lengths, torch.tensor([category]))
        return z_mean + 0.1 * z_logvar

    scores = evaluate(network, drawings, SCALE, 20, latent=latent, batch_size=5)
    assert_nats(scores, by_loop(network, in_length_order(drawings), z_of))


@torch.no_grad()
def test_reconstruction_and_kl_are_the_papers(monkeypatch):
    monkeypatch.setattr(evaluation, "_sample", lambda z_mean, z_logvar, generator: z_mean)
    network = network_of(small_model(**CONFIGURATIONS["vae"]))
    drawings = in_length_order(drawings_for(network.configuration))
    scores = evaluate(network, drawings, SCALE, 40, batch_size=5)
    for place in range(len(drawings)):
        stroke5 = stroke5_of(drawings, place)
        rows, length = stroke5[:, 1:-1], stroke5.shape[1] - 2
        z_mean, z_logvar = network.encode(rows, torch.tensor([length]), torch.tensor([0]))
        losses = losses_of_rows(network, stroke5, 0, z_mean)
        assert scores.reconstruction[place] == pytest.approx(losses[:length].sum() / 40, rel=1e-4)
        kl = -0.5 * (1 + z_logvar - z_mean**2 - z_logvar.exp()).mean()
        assert scores.kl[place] == pytest.approx(kl.item(), rel=1e-4)
    assert scores.mean_reconstruction == pytest.approx(scores.reconstruction.mean())
    assert scores.mean_kl == pytest.approx(scores.kl.mean())


def test_without_an_encoder_there_is_no_kl():
    network = network_of(small_model(variational=False))
    scores = evaluate(network, drawings_for(network.configuration), SCALE, 20)
    assert not scores.kl.any()
    assert scores.mean_reconstruction > 0


@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_scaling_drawings_and_model_shifts_nats_by_the_scale_alone(factor):
    network = network_of(small_model(variational=False))
    drawings = drawings_for(network.configuration)
    (block,) = drawings.blocks
    scaled_block = dataclasses.replace(block, box_scale=block.box_scale * np.float32(factor))
    scaled = dataclasses.replace(drawings, blocks=(scaled_block,))
    before = evaluate(network, drawings, SCALE, 20)
    after = evaluate(network, scaled, SCALE * factor, 20)
    offset_rows = before.points - 1
    np.testing.assert_allclose(after.nats - before.nats, 2 * math.log(factor) * offset_rows, atol=5e-3)
    np.testing.assert_allclose(after.reconstruction, before.reconstruction, rtol=1e-4)


def test_a_model_with_another_offset_scale_is_measured_alike():
    """A decoder that ignores its input and predicts one normal: stretched by k in its own scales, it is the same."""
    network = network_of(small_model(variational=False))
    drawings = drawings_for(network.configuration)
    with torch.no_grad():
        network.decoder.output.weight.zero_()
    before = evaluate(network, drawings, SCALE, 20)
    with torch.no_grad():
        network.decoder.output.bias[6:12] *= 2.0  # mu_x, mu_y
        network.decoder.output.bias[12:18] += math.log(2.0)  # log sigma
    np.testing.assert_allclose(evaluate(network, drawings, SCALE / 2, 20).nats, before.nats, rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 5, 7, 100])
def test_batches_do_not_matter_and_the_incomplete_last_counts(batch_size):
    network = network_of(small_model(**CONFIGURATIONS["vae without z sometimes"]))
    drawings = drawings_for(network.configuration, count=13)
    reference = evaluate(network, drawings, SCALE, 20, latent="none", batch_size=13)
    scores = evaluate(network, drawings, SCALE, 20, latent="none", batch_size=batch_size)
    assert len(scores) == 13
    np.testing.assert_allclose(scores.nats, reference.nats, rtol=1e-4, atol=1e-3)
    assert scores.points.sum(0).tolist() == reference.points.sum(0).tolist()
    np.testing.assert_allclose(scores.kl, reference.kl, rtol=1e-4)


def test_every_drawing_of_any_length_counts():
    network = network_of(small_model(variational=False))
    drawings = drawings_of([[(1, 2, 1)], [(1, 2, 0), (2, 2, 1)], [(3, 3, 0)] * 30])
    scores = evaluate(network, drawings, SCALE, 20)
    assert scores.points.tolist() == [[2, 1, 1, 1], [3, 2, 2, 1], [31, 23, 16, 8]]
    assert np.isfinite(scores.nats).all()


@pytest.mark.parametrize("latent", LATENTS)
def test_a_seed_repeats_every_latent(latent):
    network = network_of(small_model(**CONFIGURATIONS["vae without z sometimes"]))
    drawings = drawings_for(network.configuration)
    first, again, other = (evaluate(network, drawings, SCALE, 20, latent=latent, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.nats, again.nats)
    assert np.array_equal(first.reconstruction, again.reconstruction)
    assert np.isfinite(first.nats).all()
    assert (latent == "none") == np.array_equal(first.nats, other.nats)


def test_after_an_empty_prefix_z_is_drawn_from_the_prior():
    network = network_of(small_model(**CONFIGURATIONS["vae"]))
    drawings = drawings_for(network.configuration)
    seen = []
    original = evaluation._latent

    def spy(*arguments):
        seen.append((arguments[3], original(*arguments)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_latent", spy)
        evaluate(network, drawings.subset(np.zeros(3000, np.int64)), SCALE, 20, latent="prefix", batch_size=3000)
    assert len(seen) == 4
    prefix, z = seen[0]
    assert not prefix.any()
    assert z.mean(0).abs().max() < 0.1
    assert (z.std(0) - 1).abs().max() < 0.06


def test_scores_of_a_category():
    network = network_of(small_model(variational=False, categories=CATEGORIES))
    drawings = drawings_for(network.configuration)
    scores = evaluate(network, drawings, SCALE, 20)
    parts = [scores.of_category(place) for place in range(3)]
    assert [len(part) for part in parts] == np.bincount(drawings.category, minlength=3).tolist()
    np.testing.assert_allclose(sum(part.nats.sum(0) for part in parts), scores.nats.sum(0))
    alone = evaluate(network, drawings.subset(np.flatnonzero(drawings.category == 1)), SCALE, 20)
    np.testing.assert_allclose(np.sort(parts[1].nats[:, 0]), np.sort(alone.nats[:, 0]), rtol=1e-4)


def test_the_default_latent():
    defaults = [default_latent(network_of(small_model(**changes))) for changes in CONFIGURATIONS.values()]
    with_z_only = [kind for kind in CONFIGURATIONS if CONFIGURATIONS[kind].get("latent_dropout") == 0]
    assert with_z_only == ["vae", "vae with tanh of z"]
    assert defaults == ["prefix" if kind in with_z_only else "none" for kind in CONFIGURATIONS]


def test_the_network_is_left_as_it_was():
    network = network_of(small_model(variational=False)).train()
    before = network.weights()
    evaluate(network, drawings_for(network.configuration), SCALE, 20)
    assert network.training
    assert all(np.array_equal(value, network.weights()[name]) for name, value in before.items())


def test_what_cannot_be_measured_is_refused():
    drawings = random_drawings(4)
    with pytest.raises(DatasetError, match="expected drawings to evaluate"):
        evaluate(network_of(small_model()), drawings.subset(np.zeros(0, np.int64)), SCALE, 20)
    with pytest.raises(DatasetError, match="with latent_dropout 0, found none"):
        evaluate(network_of(small_model(latent_dropout=0.0)), drawings, SCALE, 20, latent="none")
    with pytest.raises(DatasetError, match="for a decoder-only model, found whole"):
        evaluate(network_of(small_model(variational=False)), drawings, SCALE, 20, latent="whole")


def test_the_divisor_that_fits_is_found():
    """A model that is right at one divisor is handed drawings of another size."""
    drawings = random_drawings(40)
    network = SketchRNN(small_model(variational=False))
    torch.nn.init.zeros_(network.decoder.output.weight)  # the same mixture at each row: N(0, 1) if the bias is 0
    torch.nn.init.zeros_(network.decoder.output.bias)
    deviation = float(drawings.blocks[0].offsets.std())
    fitted = fit_offset_scale(network, drawings, 2.0 * deviation)
    assert fitted == pytest.approx(deviation, rel=0.15)
    own, wrong = (sum(evaluate(network, drawings, scale, 20).nats_per_point) for scale in (fitted, 2 * deviation))
    assert own < wrong
