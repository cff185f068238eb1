"""Sketch-RNN: encoder, latent vector, category and decoder in one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sketchrnn.errors import CheckpointError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import POSITION_FACTOR, ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.cells import SideBySide, State, make_cell
from sketchrnn.training.network.losses import Mixture


@dataclass(frozen=True)
class Prediction:
    """The network's output for a batch.

    Attributes:
        mixture: distribution of each next row, (B, N).
        z_mean: posterior mean of z, (B, Z); None without an encoder.
        z_logvar: posterior log variance of z, (B, Z); None without an encoder.
    """

    mixture: Mixture
    z_mean: Tensor | None = None
    z_logvar: Tensor | None = None


@dataclass(frozen=True)
class Noise:
    """Random numbers of the latent vectors of a batch.

    Attributes:
        z: standard normal, (B, Z).
        latent_used: 1 where the decoder is conditioned on z, 0 where on "no z", (B,).
    """

    z: Tensor
    latent_used: Tensor

    def __getitem__(self, rows: slice) -> Noise:
        return Noise(self.z[rows], self.latent_used[rows])


class Encoder(nn.Module):
    """A bidirectional recurrence over the sketch, then a normal posterior of z.

    Reference:
        arXiv:1704.03477, section 3.2, equations 1 and 2.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        super().__init__()
        units = configuration.encoder_units
        layers = [make_cell(configuration.encoder_cell, 5, units, configuration, dropouts) for _ in range(2)]
        self.forwards, self.backwards = layers
        self.run = SideBySide([self.forwards, self.backwards])
        summary_units = 2 * units + configuration.category_units * configuration.conditional
        self.mean = nn.Linear(summary_units, configuration.latent_units)
        self.logvar = nn.Linear(summary_units, configuration.latent_units)

    def forward(self, rows: Tensor, lengths: Tensor, category: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode sketches; padding rows have no influence.

        Args:
            rows: stroke-5 without START and END, (B, L, 5).
            lengths: rows of each sketch, int64 (B,).
            category: embeddings, (B, category_units), or None.

        Returns:
            z_mean and z_logvar, (B, Z) each.
        """
        last = (lengths - 1).clamp_min(0)
        reversed_rows = rows.gather(1, _reversed_index(last, rows.shape[1])[..., None].expand_as(rows))
        hiddens, _ = self.run([rows.transpose(0, 1), reversed_rows.transpose(0, 1)])
        at_end = last[None, :, None].expand(-1, -1, self.forwards.units)
        summary = [hidden.gather(0, at_end).squeeze(0) for hidden in hiddens]  # (B, units)
        if category is not None:
            summary.append(category.to(summary[0].dtype))
        joined = torch.cat(summary, dim=-1)
        return self.mean(joined).float(), self.logvar(joined).float()


class Decoder(nn.Module):
    """A recurrence from stroke-5 rows to the mixture's raw parameters, conditioned on z and the category.

    Reference:
        arXiv:1704.03477, section 3.2, equation 3.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        super().__init__()
        units, conditioning_units = configuration.decoder_units, configuration.conditioning_units
        self.lstm = make_cell(
            configuration.decoder_cell,
            configuration.row_units + conditioning_units,
            units,
            configuration,
            dropouts,
        )
        self.initial = nn.Linear(conditioning_units, 2 * self.lstm.state_units) if conditioning_units else None
        self._position_inputs = configuration.position_inputs
        self._latent_tanh = configuration.latent_tanh
        self.run = SideBySide([self.lstm])
        self.input_dropout = nn.Dropout(dropouts.input)
        self.dropout = nn.Dropout(dropouts.output)
        self.output = nn.Linear(units, configuration.output_units)

    def initial_state(self, conditioning: Tensor) -> State:
        """Return h0 and c0 = tanh(W conditioning + b); zero without conditioning.

        Args:
            conditioning: z and the category embedding, (B, conditioning_units).
        """
        if self.initial is None:
            zero = conditioning.new_zeros(conditioning.shape[0], self.lstm.state_units)
            return zero, zero
        if self._latent_tanh:
            conditioning = torch.tanh(conditioning)
        hidden, cell = torch.tanh(self.initial(conditioning)).chunk(2, dim=-1)
        return hidden, cell

    def forward(self, rows: Tensor, conditioning: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over rows.

        Args:
            rows: stroke-5, beginning with START, (B, N, 5).
            conditioning: z and the category embedding, (B, conditioning_units).
            state: state before the first row; the initial state if None.

        Returns:
            Raw parameters (B, N, 3 + 6 M), and the state after the last row.
        """
        if state is not None and self._position_inputs:
            raise ValueError("expected no state for a decoder with position inputs: a state has no pen position")
        start = self.initial_state(conditioning) if state is None else state
        if self._position_inputs:
            rows = torch.cat([rows, pen_positions(rows)], dim=-1)
        steps = rows.transpose(0, 1)
        if self.training and self.input_dropout.p:  # each step has its own dropped inputs
            steps = self.input_dropout(torch.cat([steps, conditioning.expand(len(steps), -1, -1)], dim=-1))
            conditioning = conditioning[:, :0]
        (hiddens,), (state,) = self.run([steps], conditioning, start)
        return self.output(self.dropout(hiddens)).transpose(0, 1), state


class SketchRNN(nn.Module):
    """The conditional variational autoencoder of the paper, or its decoder alone.

    Reference:
        Ha and Eck 2017, arXiv:1704.03477. The category embedding and "no z" are additions.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a network with random weights from torch's default generator.

        Args:
            configuration: the architecture.
            dropouts: probabilities of dropping numbers in training.
        """
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration, dropouts) if configuration.variational else None
        self.category = (
            nn.Embedding(len(configuration.categories), configuration.category_units)
            if configuration.conditional
            else None
        )
        if self.category is not None:
            nn.init.normal_(self.category.weight, std=0.1)
        self.category_dropout = nn.Dropout(dropouts.category)
        rated = configuration.clarity and configuration.conditional
        self.clarity = nn.Parameter(torch.zeros(configuration.category_units)) if rated else None
        self.no_latent = (
            nn.Parameter(torch.zeros(configuration.latent_units))
            if configuration.variational and configuration.latent_dropout > 0
            else None
        )
        self.decoder = Decoder(configuration, dropouts)

    def encode(self, rows: Tensor, lengths: Tensor, category: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_mean and z_logvar, (B, Z) each.

        Args:
            rows: stroke-5 rows without START and END, (B, L, 5).
            lengths: rows of each sketch, (B,).
            category: index of each sketch's category, (B,).
        """
        if self.encoder is None:
            raise ValueError("a decoder-only network has no encoder")
        posterior: tuple[Tensor, Tensor] = self.encoder(
            rows, lengths, None if self.category is None else self.category(category)
        )
        return posterior

    def conditioning(self, z: Tensor | None, category: Tensor, clarity: Tensor | None = None) -> Tensor:
        """Return the decoder's conditioning, (B, conditioning_units): z, then the category embedding.

        Args:
            z: latent vectors (B, Z); None for "no z", or for a decoder-only network.
            category: index of each sketch's category, (B,).
            clarity: of each sketch, -1 to 1, (B,); None or 0 for unknown.
        """
        parts = []
        if self.encoder is not None:
            if z is None:
                if self.no_latent is None:
                    raise ValueError("expected z: this network was trained with z only")
                z = self.no_latent.expand(category.shape[0], -1)
            parts.append(z)
        if self.category is not None:
            embedding = self.category_dropout(self.category(category))
            if self.clarity is not None and clarity is not None:
                embedding = embedding + clarity[:, None] * self.clarity
            parts.append(embedding)
        if not parts:
            return torch.zeros(category.shape[0], 0, device=category.device)
        return torch.cat(parts, dim=-1)

    def draw_noise(self, count: int, generator: torch.Generator | None = None) -> Noise:
        """Sample the noise of ``count`` sketches, from a generator on the network's device or torch's default one."""
        device = next(self.parameters()).device
        units, dropout = self.configuration.latent_units, self.configuration.latent_dropout
        z = torch.randn(count, units, generator=generator, device=device)
        if self.no_latent is None:
            return Noise(z, torch.ones(count, device=device))
        return Noise(z, (torch.rand(count, generator=generator, device=device) >= dropout).float())

    def forward(
        self,
        stroke5: Tensor,
        lengths: Tensor,
        category: Tensor,
        noise: Noise | None = None,
        clarity: Tensor | None = None,
    ) -> Prediction:
        """Predict every row from the rows before it (teacher forcing), with a sampled z if there is an encoder.

        Args:
            stroke5: START, the sketches' rows, END and padding, (B, N + 1, 5).
            lengths: rows of each sketch, START and END not counted, (B,).
            category: index of each sketch's category, (B,).
            noise: noise of z; None samples it from torch's default generator.
            clarity: of each sketch, (B,); None for unknown.
        """
        inputs = stroke5[:, :-1]
        if self.encoder is None:
            output, _ = self.decoder(inputs, self.conditioning(None, category, clarity))
            return Prediction(Mixture.from_output(output))
        if noise is None:
            noise = self.draw_noise(len(stroke5))
        z_mean, z_logvar = self.encode(stroke5[:, 1:-1], lengths, category)
        z = z_mean + torch.exp(0.5 * z_logvar) * noise.z
        if self.no_latent is not None:
            z = torch.where(noise.latent_used[:, None] > 0, z, self.no_latent)
        output, _ = self.decoder(inputs, self.conditioning(z, category, clarity))
        return Prediction(Mixture.from_output(output), z_mean, z_logvar)

    def compile_steps(self, **options: Any) -> None:
        """Compile the step of cells that run step by step (torch.compile); the plain LSTM does not need it.

        Args:
            options: of torch.compile.
        """
        for part in (self.encoder, self.decoder):
            if part is not None:
                part.run.compile_options = options

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return every trained tensor as float32 NumPy arrays, by name."""
        return {name: value.detach().float().cpu().numpy().copy() for name, value in self.named_parameters()
                if value.requires_grad}  # fmt: skip

    def load_weights(self, weights: dict[str, NDArray[Any]], source: str = "the model") -> None:
        """Load the tensors of :meth:`weights`; tensors of other names are ignored.

        Args:
            weights: tensors by name.
            source: file that they come from, for messages.

        Raises:
            CheckpointError: a tensor is missing or has another shape.
        """
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if not parameter.requires_grad:
                    continue
                value = weights.get(name)
                if value is None or value.shape != tuple(parameter.shape):
                    found = "is missing" if value is None else f"has shape {value.shape}"
                    raise CheckpointError(f"{source}: tensor {name} {found}; expected shape {tuple(parameter.shape)}")
                parameter.copy_(torch.from_numpy(value.astype(np.float32)))

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> SketchRNN:
        """Make the network of a checkpoint, in evaluation mode.

        Raises:
            CheckpointError: the weights do not fit the configuration.
        """
        network = cls(checkpoint.configuration)
        network.load_weights(checkpoint.weights, checkpoint.source)
        return network.eval()


def pen_positions(rows: Tensor) -> Tensor:
    """Return the position inputs of each step, see :attr:`ModelConfiguration.position_inputs`.

    Args:
        rows: stroke-5, beginning with START, (B, N, 5).

    Returns:
        (B, N, POSITION_INPUTS) float32.
    """
    rows = rows.float()
    point = rows[..., :2].cumsum(1)  # (B, N, 2)
    stroke_begins = torch.roll(rows[..., 3] > 0.5, 1, dims=1)
    stroke_begins[:, 0] = True
    step = torch.arange(rows.shape[1], device=rows.device)[None]
    first_step = (step * stroke_begins).cummax(1).values  # of each step's stroke, (B, N)
    stroke_start = point.gather(1, first_step[..., None].expand_as(point))
    lowest, highest = point.cummin(1).values, point.cummax(1).values
    return POSITION_FACTOR * torch.cat([point, point - stroke_start, point - lowest, highest - point], dim=-1)


def _reversed_index(last: Tensor, steps: int) -> Tensor:
    """Index (B, L) that reverses each sketch's own rows and repeats row 0 over the padding."""
    return (last[:, None] - torch.arange(steps, device=last.device)[None]).clamp_min(0)
