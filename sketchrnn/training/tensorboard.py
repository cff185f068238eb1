"""Showing a run in TensorBoard."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.training.evaluation import PREFIX_SHARES
from sketchrnn.training.reports import EvaluationReport, StepReport


class TensorBoard:
    """An observer that writes a run's figures and sheets into a folder that ``tensorboard --logdir`` shows."""

    def __init__(self, folder: str | Path) -> None:
        """Begin to write.

        Raises:
            ConfigurationError: the extra ``tensorboard`` is not installed, or the folder cannot be written.
        """
        try:
            import resvg_py
            from PIL import Image
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigurationError(f"{error}; pip install 'sketchrnn[tensorboard]' brings it") from error
        self._rasterise, self._open_image = resvg_py.svg_to_bytes, Image.open
        try:
            self._writer = SummaryWriter(str(folder))
        except OSError as error:
            raise ConfigurationError(f"{folder}: cannot be written: {error.strerror}") from error

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Write the means over the last steps."""
        if report is None:
            return
        for name, value in (
            ("loss/L_R", report.reconstruction),
            ("loss/L_KL", report.kl),
            ("schedule/learning rate", report.learning_rate),
            ("schedule/KL weight", report.kl_weight),
            ("gradient norm", report.gradient_norm),
            ("drawings per second", report.drawings_per_second),
            ("skipped steps", report.skipped),
        ):
            self._writer.add_scalar(name, value, step)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Write the validation split's measures and the sheet."""
        self._writer.add_scalar("validation/L_R", report.reconstruction, report.step)
        self._writer.add_scalar("validation/L_KL", report.kl, report.step)
        for share, value in zip(PREFIX_SHARES, report.nats_per_point, strict=True):
            self._writer.add_scalar(f"validation/nats per point after {share:.0%}", value, report.step)
        png = self._rasterise(svg_string=sheet, background="white")
        image = np.asarray(self._open_image(io.BytesIO(png)).convert("RGB"))
        self._writer.add_image("completions", image, report.step, dataformats="HWC")
        self._writer.flush()

    def on_problem(self, message: str) -> None:
        """Do nothing: it is for people."""

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
