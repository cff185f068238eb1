"""The LSTM's recurrence in bfloat16 on a processor, forwards and backwards, about 1.5 times as fast as torch's own.

torch.nn.LSTM leaves bfloat16 to oneDNN's LSTM, which on the two cores that it was measured on gets about half of what
single matrix products of the same size reach. This one is made of such products and of as few passes over memory as
NumPy-like operations allow: what is the same at each step (a drawing's z) is multiplied once; the small inputs and the
bias stand beside the hidden state, so that a step is one product; the gates take one sigmoid together, since
tanh(x) = 2 sigmoid(2x) - 1; the weights' gradients are one product over all steps; the memory is used again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_MINUS_ONE = torch.tensor(-1.0)
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
        steps, groups, batch, inputs = rows.shape
        units = weight_hh.shape[-1]
        ctx.workspace = workspace = workspaces.pop() if workspaces else Workspace()
        ctx.workspaces, ctx.shape, ctx.has = workspaces, (*rows.shape, units), (base is not None, hidden is not None)
        operand, gates, candidates, cells, tanh_cells = _saved(workspace, ctx.shape)
        operand[0, ..., :units] = 0.0 if hidden is None else hidden
        operand[:-1, ..., units : units + inputs] = rows
        operand[..., units + inputs] = 1.0  # what the bias is multiplied with
        operand[..., units + inputs + 1 :] = 0.0
        cells[0] = 0.0 if cell is None else cell

        weights = torch.zeros(groups, 4 * units, operand.shape[-1])
        weights[..., :units] = weight_hh
        weights[..., units : units + inputs] = weight_ih
        weights[..., units + inputs] = bias
        weights[:, 2 * units : 3 * units] *= 2.0  # the candidate's, for tanh(x) = 2 sigmoid(2x) - 1
        weights = weights.bfloat16().transpose(1, 2)
        if base is not None:
            base = base.float().clone()
            base[..., 2 * units : 3 * units] *= 2.0
            base = base.bfloat16()
        before = workspace.get("before", (groups, batch, 4 * units), torch.bfloat16)  # the sigmoid
        for step in range(steps):
            _multiply(operand[step], weights, base, before)
            gate, candidate, after, tanh_after = gates[step], candidates[step], cells[step + 1], tanh_cells[step]
            torch.sigmoid(gate.copy_(before), out=gate)
            input_gate, forget_gate, half_candidate, output_gate = gate.chunk(4, -1)
            torch.add(_MINUS_ONE, half_candidate, alpha=2.0, out=candidate)
            torch.mul(forget_gate, cells[step], out=after).addcmul_(input_gate, candidate)
            _tanh(after, out=tanh_after)
            torch.mul(output_gate, tanh_after, out=operand[step + 1, ..., :units])
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
        weights = weight_hh.clone()
        weights[:, 2 * units : 3 * units] *= 4.0
        weights = weights.bfloat16()
        for step in range(steps - 1, -1, -1):
            gate, tanh_after = gates[step], tanh_cells[step]
            input_gate, forget_gate, _, output_gate = gate.chunk(4, -1)
            torch.add(d_recurrent, d_hiddens[step], out=d_hidden)
            torch.mul(d_hidden, output_gate, out=product)
            d_cell += torch.ops.aten.tanh_backward.grad_input(product, tanh_after, grad_input=product)
            torch.mul(d_cell, candidates[step], out=d_input_gate)
            torch.mul(d_cell, cells[step], out=d_forget_gate)
            torch.mul(d_cell, input_gate, out=d_candidate)
            torch.mul(d_hidden, tanh_after, out=d_output_gate)
            torch.ops.aten.sigmoid_backward.grad_input(d_gate, gate, grad_input=d_gate)
            if d_base is not None:
                d_base += d_gate
            d_gates[step] = d_gate
            d_cell *= forget_gate
            _multiply(d_gates[step], weights, None, d_recurrent)
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


def _tanh(value: Tensor, out: Tensor) -> None:
    """Compute tanh(x) as 2 sigmoid(2x) - 1, three passes that together are faster than torch's own one."""
    torch.mul(value, 2.0, out=out).sigmoid_()
    torch.add(_MINUS_ONE, out, alpha=2.0, out=out)


def _multiply(one: Tensor, other: Tensor, added: Tensor | None, out: Tensor) -> None:
    """Multiply (G, B, K) with (G, K, J) into ``out``; a batch of one matrix goes the faster way of a single one."""
    if len(one) == 1:
        if added is None:
            torch.mm(one[0], other[0], out=out[0])
        else:
            torch.addmm(added[0], one[0], other[0], out=out[0])
    elif added is None:
        torch.bmm(one, other, out=out)
    else:
        torch.baddbmm(added, one, other, out=out)
