"""The drawings of a store as a PyTorch dataset, for your own training loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from sketchrnn.dataset.load import DEFAULT_MAX_LENGTH, load
from sketchrnn.dataset.splits import SPLITS
from sketchrnn.errors import ConfigurationError, DatasetError
from sketchrnn.training.batches import Batch, Collator


class Strokes(Dataset[tuple[Tensor, int]]):
    """The drawings of a store, one split of them, for :class:`torch.utils.data.DataLoader`.

    Item i is ``(stroke5, category)``: START, the rows and END, (L + 2, 5) float32, offsets divided by
    ``offset_scale``; and the category as an index into ``categories``. A loader needs ``collate_fn=Strokes.collate``::

        strokes = sketchrnn.training.Strokes("store", split="train")
        for batch in DataLoader(strokes, batch_size=100, shuffle=True, collate_fn=strokes.collate):
            ...  # batch.stroke5 (B, N + 2, 5), batch.lengths (B,), batch.category (B,)

    Attributes:
        drawings: the drawings of the split, for our own training.
        categories: the categories' names.
        offset_scale: divisor of offsets.
    """

    def __init__(
        self,
        store: str | Path | Sequence[str | Path],
        split: str = "train",
        *,
        max_length: int = DEFAULT_MAX_LENGTH,
        offset_scale: float | None = None,
    ) -> None:
        """Open a store. Its rows stay on the disk until an item is read.

        Args:
            store: a store that ``sketchrnn prepare`` wrote, or several; or files, which are prepared first.
            split: "train", "valid", "test" or "all".
            max_length: drawings with more rows are skipped.
            offset_scale: divisor of offsets; None for the standard deviation of the training offsets, which
                is the same for every split of a store.

        Raises:
            ConfigurationError: the split is unknown, or offset_scale is not a positive number.
            DatasetError: the store is damaged, or has no such drawings.
        """
        if split not in (*SPLITS, "all"):
            raise ConfigurationError(f"split: expected one of {', '.join((*SPLITS, 'all'))}, found {split!r}")
        if offset_scale is not None and not 0.0 < offset_scale < float("inf"):
            raise ConfigurationError(f"offset_scale: expected a positive number, found {offset_scale}")
        paths = [store] if isinstance(store, (str, Path)) else list(store)
        drawings, _ = load(paths, max_length=max_length)
        self.offset_scale = drawings.offset_scale() if offset_scale is None else offset_scale
        self.categories = drawings.categories
        self.drawings = drawings.of_split(split)
        if not len(self.drawings):
            raise DatasetError(f"{', '.join(map(str, paths))}: expected drawings of the split {split!r}, found none")
        self._collator = Collator(self.drawings, self.offset_scale)

    def __len__(self) -> int:
        return len(self.drawings)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        place = range(len(self))[index]  # negative ones count from the end; IndexError beyond
        batch = self._collator.collate(np.array([place]))
        return batch.stroke5[0], int(batch.category[0])

    @staticmethod
    def collate(items: Sequence[tuple[Tensor, int]]) -> Batch:
        """Make a batch of items, padded with END to the longest one."""
        rows, categories = map(list, zip(*items, strict=True))
        lengths = torch.tensor([len(one) - 2 for one in rows])
        stroke5 = pad_sequence(rows, batch_first=True)  # (B, N + 2, 5)
        ended = torch.arange(stroke5.shape[1]) > lengths[:, None]
        stroke5[..., 4].masked_fill_(ended, 1.0)
        return Batch(stroke5, lengths, torch.tensor(categories), slice(None), len(rows))
