"""The Sketch-RNN that PyTorch ports write: float32, ``torch.nn.LSTM``, random batches padded to Nmax.

It computes what Magenta's code computes, without recurrent dropout, on whole padded batches; the density is
exponentiated and logged again with Magenta's 1e-6.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.training.batches import Augmentation, Collator, length_order_batches
from sketchrnn.training.configuration import TrainingConfiguration, kl_weight, learning_rate


class PaddedSketchRNN(nn.Module):
    """The paper's VAE at its published sizes, or its decoder alone; a category embedding is concatenated as z is."""

    def __init__(
        self,
        *,
        variational: bool = True,
        categories: int = 1,
        encoder_units: int = 256,
        decoder_units: int = 512,
        latent: int = 128,
        mixtures: int = 20,
        category_units: int = 64,
    ) -> None:
        super().__init__()
        self.mixtures, self.variational = mixtures, variational
        self.category = nn.Embedding(categories, category_units) if categories > 1 else None
        inputs = latent * variational + category_units * (categories > 1)
        self.initial = nn.Linear(inputs, 2 * decoder_units) if inputs else None
        self.decoder = nn.LSTM(5 + inputs, decoder_units, batch_first=True)
        self.output = nn.Linear(decoder_units, 3 + 6 * mixtures)
        if not variational:
            return
        self.encoder = nn.LSTM(5, encoder_units, batch_first=True, bidirectional=True)
        self.mean = nn.Linear(2 * encoder_units, latent)
        self.logvar = nn.Linear(2 * encoder_units, latent)

    def forward(self, stroke5: Tensor, category: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the raw output (B, N, 3 + 6 M), z_mean and z_logvar (B, Z), zero without an encoder."""
        mean = logvar = stroke5.new_zeros(len(stroke5), 1)
        parts = []
        if self.variational:
            _, (hidden, _) = self.encoder(stroke5[:, 1:])
            summary = torch.cat([hidden[0], hidden[1]], dim=1)
            mean, logvar = self.mean(summary), self.logvar(summary)
            parts.append(mean + torch.exp(logvar / 2) * torch.randn_like(mean))
        if self.category is not None:
            parts.append(self.category(category))
        state, inputs = None, stroke5[:, :-1]
        if self.initial is not None:
            conditioning = torch.cat(parts, dim=1)
            h, c = torch.tanh(self.initial(conditioning)).chunk(2, dim=1)
            state = h[None].contiguous(), c[None].contiguous()
            inputs = torch.cat([inputs, conditioning[:, None].expand(-1, inputs.shape[1], -1)], dim=2)
        hiddens, _ = self.decoder(inputs, state)
        return self.output(hiddens), mean, logvar

    def losses(self, stroke5: Tensor, category: Tensor, real_rows_only: bool = False) -> tuple[Tensor, Tensor]:
        """Return L_R, in training with the pen's loss over the padding too, and L_KL."""
        output, mean, logvar = self(stroke5, category)
        pen, rest = output.split([3, 6 * self.mixtures], dim=2)
        pi, mu_x, mu_y, sigma_x, sigma_y, rho = rest.chunk(6, dim=2)
        sigma_x, sigma_y, rho = sigma_x.exp(), sigma_y.exp(), rho.tanh()
        target = stroke5[:, 1:]
        x, y = (target[..., :1] - mu_x) / sigma_x, (target[..., 1:2] - mu_y) / sigma_y
        distance = (x * x + y * y - 2 * rho * x * y) / (2 * (1 - rho * rho))
        density = torch.exp(-distance) / (2 * math.pi * sigma_x * sigma_y * torch.sqrt(1 - rho * rho))
        likelihood = (pi.softmax(2) * density).sum(2)
        real = 1 - target[..., 4]
        offset = -(torch.log(likelihood + 1e-6) * real)[:, :-1].mean()
        pen_rows = -(target[..., 2:] * pen.log_softmax(2)).sum(2)[:, :-1]
        pen_loss = (pen_rows * real[:, :-1]).mean() if real_rows_only else pen_rows.mean()
        return offset + pen_loss, -0.5 * (1 + logvar - mean * mean - logvar.exp()).mean()


class BaselineTraining:
    """Takes steps of the baseline, Magenta's schedules and augmentation."""

    def __init__(
        self,
        drawings: Drawings,
        training: TrainingConfiguration,
        max_length: int,
        device: str = "cpu",
        *,
        variational: bool = True,
    ) -> None:
        torch.manual_seed(training.seed)
        self.training, self.max_length, self.count = training, max_length, len(drawings)
        self.collator = Collator(drawings, drawings.offset_scale(), device)
        self.network = PaddedSketchRNN(variational=variational, categories=len(drawings.categories)).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=training.learning_rate)
        self.order = np.random.default_rng(training.seed)
        self.generator = torch.Generator(device).manual_seed(training.seed)
        self.steps = 0

    def step(self) -> float:
        """Take a step; return L_R."""
        training = self.training
        batch = self.collator.collate(
            self.order.choice(self.count, training.batch_size, replace=False),
            generator=self.generator,
            augmentation=Augmentation(scale=training.augment_scale, drop=training.augment_drop),
            pad_to=self.max_length,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.steps, training)
        reconstruction, kl = self.network.losses(batch.stroke5, batch.category)
        loss = reconstruction + kl_weight(self.steps, training) * kl.clamp_min(training.kl_floor)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(self.network.parameters(), training.clip)
        self.optimizer.step()
        self.steps += 1
        return reconstruction.item()

    @torch.no_grad()
    def reconstruction(self, drawings: Drawings) -> float:
        """Return L_R of drawings, as Magenta evaluates it."""
        collator = Collator(drawings, self.collator.offset_scale, str(self.collator.device))
        total = 0.0
        for index in length_order_batches(drawings.lengths, 250):
            batch = collator.collate(index, pad_to=self.max_length)
            loss, _ = self.network.losses(batch.stroke5, batch.category, real_rows_only=True)
            total += loss.item() * len(index)
        return total / len(drawings)
