"""The Sketch-RNN that PyTorch ports write: float32, ``torch.nn.LSTM``, random batches padded to Nmax.

It computes what Magenta's code computes, without recurrent dropout, on whole padded batches; the density is
exponentiated and logged again with Magenta's 1e-6.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.training.augmentation import Augmentation
from sketchrnn.training.batches import Collator, length_order_batches
from sketchrnn.training.configuration import TrainingConfiguration, kl_weight, learning_rate


class PaddedSketchRNN(nn.Module):
    """The paper's VAE at its published sizes."""

    def __init__(
        self, encoder_units: int = 256, decoder_units: int = 512, latent: int = 128, mixtures: int = 20
    ) -> None:
        super().__init__()
        self.mixtures = mixtures
        self.encoder = nn.LSTM(5, encoder_units, batch_first=True, bidirectional=True)
        self.mean = nn.Linear(2 * encoder_units, latent)
        self.logvar = nn.Linear(2 * encoder_units, latent)
        self.initial = nn.Linear(latent, 2 * decoder_units)
        self.decoder = nn.LSTM(5 + latent, decoder_units, batch_first=True)
        self.output = nn.Linear(decoder_units, 3 + 6 * mixtures)

    def forward(self, stroke5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the raw output (B, N, 3 + 6 M), z_mean and z_logvar (B, Z)."""
        _, (hidden, _) = self.encoder(stroke5[:, 1:])
        summary = torch.cat([hidden[0], hidden[1]], dim=1)
        mean, logvar = self.mean(summary), self.logvar(summary)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        h, c = torch.tanh(self.initial(z)).chunk(2, dim=1)
        inputs = torch.cat([stroke5[:, :-1], z[:, None].expand(-1, stroke5.shape[1] - 1, -1)], dim=2)
        hiddens, _ = self.decoder(inputs, (h[None].contiguous(), c[None].contiguous()))
        return self.output(hiddens), mean, logvar

    def losses(self, stroke5: Tensor, real_rows_only: bool = False) -> tuple[Tensor, Tensor]:
        """Return L_R, the pen's loss over the padding too unless it is for evaluating, and L_KL."""
        output, mean, logvar = self(stroke5)
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
        self, drawings: Drawings, training: TrainingConfiguration, max_length: int, device: str = "cpu"
    ) -> None:
        torch.manual_seed(training.seed)
        self.training, self.max_length, self.count = training, max_length, len(drawings)
        self.collator = Collator(drawings, drawings.offset_scale(), device)
        self.network = PaddedSketchRNN().to(device)
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
        reconstruction, kl = self.network.losses(batch.stroke5)
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
            loss, _ = self.network.losses(collator.collate(index, pad_to=self.max_length).stroke5, real_rows_only=True)
            total += loss.item() * len(index)
        return total / len(drawings)
