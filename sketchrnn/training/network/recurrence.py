"""The LSTM's recurrence in bfloat16 on a processor, forwards and backwards, about 1.4 times as fast as torch's own.

torch.nn.LSTM leaves bfloat16 to oneDNN's LSTM, which on the two cores that it was measured on gets little more than
half of what single matrix products of the same size reach. This one is made of such products and of as few passes over
memory as NumPy-like operations allow: what is the same at each step (a drawing's z) is multiplied once; the small
inputs and the bias stand beside the hidden state, so that a step is one product; the gates take one sigmoid together,
since tanh(x) = 2 sigmoid(2x) - 1; the weights' gradients are one product over all steps; the memory is used again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_MINUS_ONE = torch.tensor(-1.0)
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_BLOCK = 32
"""Columns are filled up to a multiple of it: what a processor's matrix instructions take at a time."""


class Workspace:
    """Memory that is kept from one training step to the next: to get it anew costs as much as to fill it."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def get(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return a tensor of that shape; what it holds is what it held the last time, or anything."""
        size = torch.Size(shape).numel()
        buffer = self._buffers.get((name, dtype))
        if buffer is None or len(buffer) < size:
            buffer = self._buffers[name, dtype] = torch.empty(size + size // 4, dtype=dtype)
        return buffer[:size].view(shape)


class Recurrence(torch.autograd.Function):
    """Several LSTMs of one size side by side, in torch's order of gates; time first.

    ``apply(rows, base, weight_ih, weight_hh, bias, hidden, cell, workspaces)`` with rows (N, G, B, I), base (G, B, 4 H)
    that is added at every step, weights (G, 4 H, I) and (G, 4 H, H), bias (G, 4 H), and the initial hidden and cell
    (G, B, H), gives the hidden states (N, G, B, H) in bfloat16 and the last cell (G, B, H) in float32. base and the
    initial state may be None. ``workspaces`` is a list from which a free workspace is taken, and to which it is given
    back when the backward pass is through: the hidden states that were returned are part of it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        base: Tensor | None,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        hidden: Tensor | None,
        cell: Tensor | None,
        workspaces: list[Workspace],
    ) -> tuple[Tensor, Tensor]:
        """Run over all rows."""
        _, groups, batch, inputs = rows.shape
        units = weight_hh.shape[-1]
        ctx.workspace = workspace = workspaces.pop() if workspaces else Workspace()
        ctx.workspaces, ctx.shape, ctx.has = workspaces, (*rows.shape, units), (base is not None, hidden is not None)
        operand, gates, candidates, cells, tanh_cells = _saved(workspace, ctx.shape)
        operand[0, ..., :units] = 0.0 if hidden is None else hidden
        operand[:-1, ..., units : units + inputs] = rows
        operand[..., units + inputs] = 1.0  # what the bias is multiplied with
        operand[..., units + inputs + 1 :] = 0.0
        cells[0] = 0.0 if cell is None else cell

        weights = torch.zeros(groups, 4 * units, operand.shape[-1], dtype=torch.bfloat16)
        weights[..., :units] = weight_hh
        weights[..., units : units + inputs] = weight_ih
        weights[..., units + inputs] = bias
        weights[:, 2 * units : 3 * units] *= 2.0  # the candidate's, for tanh(x) = 2 sigmoid(2x) - 1
        weights = weights.transpose(1, 2)
        if base is not None:
            base = base.bfloat16().clone()
            base[..., 2 * units : 3 * units] *= 2.0
        before = workspace.get("before", (groups, batch, 4 * units), torch.bfloat16)  # the sigmoid
        multiply = _product(weights, base, before)
        input_gates, forget_gates, half_candidates, output_gates = gates.chunk(4, -1)
        by_step = zip(
            *(operand[:-1], gates, input_gates, forget_gates, half_candidates, output_gates),
            *(candidates, cells[:-1], cells[1:], tanh_cells, operand[1:, ..., :units]),
            strict=True,
        )
        for one, gate, admit, keep, half_candidate, show, candidate, cell, after, tanh_after, hidden in by_step:
            multiply(one)
            gate.copy_(before).sigmoid_()
            torch.add(_MINUS_ONE, half_candidate, alpha=2.0, out=candidate)
            torch.mul(keep, cell, out=after).addcmul_(admit, candidate)
            torch.mul(after, 2.0, out=tanh_after).sigmoid_()  # faster than torch's own tanh
            torch.add(_MINUS_ONE, tanh_after, alpha=2.0, out=tanh_after)
            torch.mul(show, tanh_after, out=hidden)
        ctx.save_for_backward(weight_hh)
        return operand[1:, ..., :units], cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, d_hiddens: Tensor, d_cell: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of base, weights, bias and initial state; rows have none."""
        (weight_hh,) = ctx.saved_tensors
        workspace = ctx.workspace
        steps, groups, batch, inputs, units = ctx.shape
        has_base, has_state = ctx.has
        operand, gates, candidates, cells, tanh_cells = _saved(workspace, ctx.shape)
        d_gates = workspace.get("d_gates", (steps, groups, batch, 4 * units), torch.bfloat16)
        d_gate = workspace.get("d_gate", (groups, batch, 4 * units), torch.float32)
        d_hidden = workspace.get("d_hidden", (groups, batch, units), torch.float32)
        product = workspace.get("product", (groups, batch, units), torch.float32)
        d_recurrent = workspace.get("d_recurrent", (groups, batch, units), torch.bfloat16).zero_()
        d_base = torch.zeros(groups, batch, 4 * units) if has_base else None
        d_cell = d_cell.float().clone()
        d_input_gate, d_forget_gate, d_candidate, d_output_gate = d_gate.chunk(4, -1)
        # d_gate is what the sigmoid's argument gets but for the candidate's, which gets twice that, and the weights
        # of which are doubled: hence 4 times
        weights = weight_hh.bfloat16().clone()
        weights[:, 2 * units : 3 * units] *= 4.0
        multiply = _product(weights, None, d_recurrent)
        input_gates, forget_gates, _, output_gates = gates.chunk(4, -1)
        whole = (gates, input_gates, forget_gates, output_gates, candidates, cells[:-1], tanh_cells, d_hiddens, d_gates)
        backwards = zip(*(reversed(part.unbind()) for part in whole), strict=True)
        for gate, admit, keep, show, candidate, cell, tanh_after, d_output, d_gate_kept in backwards:
            torch.add(d_recurrent, d_output, out=d_hidden)
            torch.mul(d_hidden, show, out=product)
            d_cell += _tanh_backward(product, tanh_after, grad_input=product)
            torch.mul(d_cell, candidate, out=d_input_gate)
            torch.mul(d_cell, cell, out=d_forget_gate)
            torch.mul(d_cell, admit, out=d_candidate)
            torch.mul(d_hidden, tanh_after, out=d_output_gate)
            _sigmoid_backward(d_gate, gate, grad_input=d_gate)
            if d_base is not None:
                d_base += d_gate
            d_gate_kept.copy_(d_gate)
            d_cell *= keep
            multiply(d_gate_kept)
        d_weights = torch.stack(
            [
                torch.mm(d_gates[:, group].flatten(0, 1).t(), operand[:-1, group].flatten(0, 1)).float()
                for group in range(groups)
            ]
        )  # (G, 4 H, columns)
        d_weights[:, 2 * units : 3 * units] *= 4.0
        if d_base is not None:
            d_base[..., 2 * units : 3 * units] *= 4.0
        ctx.workspaces.append(workspace)
        ctx.workspace = None  # a second backward pass would find other numbers there
        d_ih, d_hh = d_weights[..., units : units + inputs], d_weights[..., :units]
        state = (d_recurrent.float(), d_cell) if has_state else (None, None)
        return None, d_base, d_ih, d_hh, d_weights[..., units + inputs], *state, None


def _saved(workspace: Workspace, shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Return what the forward pass keeps for the backward pass.

    The operand of each step's product (hidden state, row, 1 and zeros), the gates (of the candidate: half of it plus
    one half), the candidates, the cells (from the initial one on) and their tanh.
    """
    steps, groups, batch, inputs, units = shape
    columns = -(-(units + inputs + 1) // _BLOCK) * _BLOCK
    each = (groups, batch, units)
    return (
        workspace.get("operand", (steps + 1, groups, batch, columns), torch.bfloat16),
        workspace.get("gates", (steps, groups, batch, 4 * units), torch.float32),
        workspace.get("candidates", (steps, *each), torch.float32),
        workspace.get("cells", (steps + 1, *each), torch.float32),
        workspace.get("tanh_cells", (steps, *each), torch.float32),
    )


def _product(weights: Tensor, added: Tensor | None, out: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what multiplies (G, B, K) with weights (G, K, J) into ``out``; a single matrix goes the faster way."""
    if len(weights) > 1:
        if added is None:
            return lambda one: torch.bmm(one, weights, out=out)
        return lambda one: torch.baddbmm(added, one, weights, out=out)
    only, only_out = weights[0], out[0]
    if added is None:
        return lambda one: torch.mm(one[0], only, out=only_out)
    only_added = added[0]
    return lambda one: torch.addmm(only_added, one[0], only, out=only_out)
