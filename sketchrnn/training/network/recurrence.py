"""The LSTM's recurrence on a CPU, forward and backward, in float32 or bfloat16; faster than ``torch.nn.LSTM``.

On a CPU, ``torch.nn.LSTM`` uses oneDNN's LSTM, which reaches 80 % of the rate of single matrix products in float32
and half of it in bfloat16 (benchmarks/RESULTS.md). This recurrence consists of such products and of few passes over
memory:

- oneDNN computes the products of the steps, with weights that are brought into its own order once for all steps. In
  float32, torch.mm uses MKL instead, which reorders the weights at every step, and is half as fast on processors with
  AVX-512 of other makers than Intel.
- Inputs that are the same at every step (z, the category) are multiplied once.
- The other inputs and a 1 for the bias are beside the hidden state, so that a step is one product.
- All four gates use one sigmoid, because tanh(x) = 2 sigmoid(2x) - 1.
- The gradients of the weights are one product over all steps.
- Buffers are reused from one training step to the next.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

_MINUS_ONE = torch.tensor(-1.0)
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_BLOCK = {torch.bfloat16: 32}
"""The columns of the operand are padded to a multiple of this, the width of the CPU's matrix instructions."""
_DEFAULT_BLOCK = 8


class Workspace:
    """Buffers that are kept from one training step to the next: allocating them costs as much as filling them."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def get(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return a tensor of this shape. Its content is undefined, or that of its last use."""
        size = torch.Size(shape).numel()
        buffer = self._buffers.get((name, dtype))
        if buffer is None or len(buffer) < size:
            buffer = self._buffers[name, dtype] = torch.empty(size + size // 4, dtype=dtype)
        return buffer[:size].view(shape)


class _Saved(NamedTuple):
    """Values that the forward pass saves for the backward pass, in a workspace; the leading axes are (G, N).

    Attributes:
        operand: of each step's product: hidden state, row, 1, zeros; one step more than there are rows.
        gates: after the sigmoid, (G, N, B, 4 H); for the cell input half of it plus one half.
        cell_inputs: (G, N, B, H).
        cells: from the initial one on, (G, N + 1, B, H).
        tanh_cells: of the cells after each step, (G, N, B, H).
    """

    operand: Tensor
    gates: Tensor
    cell_inputs: Tensor
    cells: Tensor
    tanh_cells: Tensor


class Recurrence(torch.autograd.Function):
    """Several LSTMs of one size side by side; gates in torch's order.

    ``apply(rows, base, weight_ih, weight_hh, bias, hidden, cell, dtype, workspaces)`` takes rows (G, N, B, I), base
    (G, B, 4 H) that is added at every step, weights (G, 4 H, I) and (G, 4 H, H), bias (G, 4 H), and the initial hidden
    and cell state (G, B, H). base and the initial state may be None. It computes the products in ``dtype``, and returns
    the hidden states (G, N, B, H) in it and the last cell state (G, B, H). ``workspaces`` is a list of free workspaces:
    one is taken from it, and put back after the backward pass, because the returned hidden states are part of it.
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
        dtype: torch.dtype,
        workspaces: list[Workspace],
    ) -> tuple[Tensor, Tensor]:
        """Run over all rows."""
        groups, _, batch, inputs = rows.shape
        units = weight_hh.shape[-1]
        ctx.workspace = workspace = workspaces.pop() if workspaces else Workspace()
        ctx.workspaces, ctx.shape, ctx.dtype = workspaces, (*rows.shape, units), dtype
        ctx.has_base, ctx.has_state = base is not None, hidden is not None
        operand, gates, cell_inputs, cells, tanh_cells = _saved(workspace, ctx.shape, dtype)
        operand[:, 0, :, :units] = 0.0 if hidden is None else hidden
        operand[:, :-1, :, units : units + inputs] = rows
        operand[..., units + inputs] = 1.0  # factor of the bias
        operand[..., units + inputs + 1 :] = 0.0
        cells[:, 0] = 0.0 if cell is None else cell

        weights = weight_hh.new_zeros(groups, 4 * units, operand.shape[-1], dtype=dtype)
        weights[..., :units] = weight_hh
        weights[..., units : units + inputs] = weight_ih
        weights[..., units + inputs] = bias
        weights[:, 2 * units : 3 * units] *= 2.0  # the cell input's, for tanh(x) = 2 sigmoid(2x) - 1
        products = [_Product(one, batch) for one in weights]
        if base is not None:
            base = base.to(gates.dtype, copy=True)
            base[..., 2 * units : 3 * units] *= 2.0
        by_step = (operand[:, :-1], gates, *gates.chunk(4, -1), cell_inputs, cells[:, :-1], cells[:, 1:], tanh_cells,
                   operand[:, 1:, :, :units])  # fmt: skip
        for step in zip(*(part.unbind(1) for part in by_step), strict=True):
            one, gate, input_gate, forget_gate, half_input, output_gate = step[:6]
            cell_input, cell, next_cell, tanh_cell, next_hidden = step[6:]
            for group, product in enumerate(products):
                if base is None:
                    torch.sigmoid(product(one[group]).to(gates.dtype), out=gate[group])
                else:
                    torch.add(product(one[group]), base[group], out=gate[group]).sigmoid_()
            torch.add(_MINUS_ONE, half_input, alpha=2.0, out=cell_input)
            torch.mul(forget_gate, cell, out=next_cell).addcmul_(input_gate, cell_input)
            torch.mul(next_cell, 2.0, out=tanh_cell).sigmoid_()  # faster than torch's own tanh
            torch.add(_MINUS_ONE, tanh_cell, alpha=2.0, out=tanh_cell)
            torch.mul(output_gate, tanh_cell, out=next_hidden)
        ctx.save_for_backward(weight_ih, weight_hh)
        return operand[:, 1:, :, :units], cells[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, d_hiddens: Tensor, d_cell: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of all tensors."""
        weight_ih, weight_hh = ctx.saved_tensors
        workspace, dtype = ctx.workspace, ctx.dtype
        groups, steps, batch, inputs, units = ctx.shape
        operand, gates, cell_inputs, cells, tanh_cells = _saved(workspace, ctx.shape, dtype)
        precise = gates.dtype
        # the gates of a step are not needed any more: their gradients overwrite them
        d_gates = gates if precise == dtype else workspace.get("d_gates", (groups, steps, batch, 4 * units), dtype)
        d_gate = workspace.get("d_gate", (groups, batch, 4 * units), precise)
        d_hidden = workspace.get("d_hidden", (groups, batch, units), precise)
        d_tanh_cell = workspace.get("d_tanh_cell", (groups, batch, units), precise)
        d_recurrent = [d_hidden.new_zeros(batch, units, dtype=dtype)] * groups
        d_base = torch.zeros_like(d_gate) if ctx.has_base else None
        d_cell = d_cell.to(precise, copy=True)
        d_input_gate, d_forget_gate, d_cell_input, d_output_gate = d_gate.chunk(4, -1)
        # d_gate is the gradient of the sigmoid's argument, except for the cell input: its argument is doubled, and its
        # weights are doubled, so it is 4 times
        weights = weight_hh.to(dtype, copy=True)
        weights[:, 2 * units : 3 * units] *= 4.0
        products = [_Product(one.t(), batch) for one in weights]
        by_step = (gates, *gates.chunk(4, -1), cell_inputs, cells[:, :-1], tanh_cells, d_hiddens, d_gates)
        for left, *step in zip(reversed(range(steps)), *(reversed(part.unbind(1)) for part in by_step), strict=True):
            gate, input_gate, forget_gate, _, output_gate = step[:5]
            cell_input, cell, tanh_cell, d_output, d_gate_kept = step[5:]
            for group, one in enumerate(d_recurrent):
                torch.add(one, d_output[group], out=d_hidden[group])
            torch.mul(d_hidden, output_gate, out=d_tanh_cell)
            d_cell += _tanh_backward(d_tanh_cell, tanh_cell, grad_input=d_tanh_cell)
            torch.mul(d_cell, cell_input, out=d_input_gate)
            torch.mul(d_cell, cell, out=d_forget_gate)
            torch.mul(d_cell, input_gate, out=d_cell_input)
            torch.mul(d_hidden, tanh_cell, out=d_output_gate)
            d_cell *= forget_gate
            if d_gates is gates:
                _sigmoid_backward(d_gate, gate, grad_input=gate)
            else:
                d_gate_kept.copy_(_sigmoid_backward(d_gate, gate, grad_input=d_gate))
            if d_base is not None:
                d_base += gate if d_gates is gates else d_gate
            if left or ctx.has_state:
                d_recurrent = [product(one) for product, one in zip(products, d_gate_kept, strict=True)]
        pairs = zip(d_gates.flatten(1, 2), operand[:, :-1].flatten(1, 2), strict=True)
        d_weights = torch.stack([_sum_over_steps(*pair).to(precise) for pair in pairs])
        d_weights[:, 2 * units : 3 * units] *= 4.0
        d_rows = None
        if ctx.needs_input_grad[0]:
            weights = weight_ih.to(dtype, copy=True)
            weights[:, 2 * units : 3 * units] *= 4.0
            d_rows = torch.matmul(d_gates, weights[:, None]).to(precise)
        if d_base is not None:
            d_base[..., 2 * units : 3 * units] *= 4.0
        ctx.workspaces.append(workspace)
        ctx.workspace = None  # its content is overwritten by the next run: no second backward pass
        d_ih, d_hh = d_weights[..., units : units + inputs], d_weights[..., :units]
        state = (torch.stack(d_recurrent).to(precise), d_cell) if ctx.has_state else (None, None)
        return d_rows, d_base, d_ih, d_hh, d_weights[..., units + inputs], *state, None, None


def _saved(workspace: Workspace, shape: tuple[int, ...], dtype: torch.dtype) -> _Saved:
    groups, steps, batch, inputs, units = shape
    block = _BLOCK.get(dtype, _DEFAULT_BLOCK)
    columns = -(-(units + inputs + 1) // block) * block
    precise = torch.float32 if dtype == torch.bfloat16 else dtype
    return _Saved(
        workspace.get("operand", (groups, steps + 1, batch, columns), dtype),
        workspace.get("gates", (groups, steps, batch, 4 * units), precise),
        workspace.get("cell_inputs", (groups, steps, batch, units), precise),
        workspace.get("cells", (groups, steps + 1, batch, units), precise),
        workspace.get("tanh_cells", (groups, steps, batch, units), precise),
    )


_linear: Callable[..., Tensor] | None = None
"""oneDNN's product with prepared weights, which torch.compile uses; None where torch was built without it."""
if platform.machine() in ("x86_64", "AMD64") and torch.backends.mkldnn.is_available():
    _linear = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def _onednn(dtype: torch.dtype) -> Callable[..., Tensor] | None:
    """Return oneDNN's product for float32, and for bfloat16 where the processor has it; else None."""
    if _linear is None or dtype == torch.float32:
        return _linear
    is_supported = dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return _linear if is_supported else None


class _Product:
    """The product of rows (B, K) with weights (L, K) that are the same at every step: (B, L)."""

    def __init__(self, weights: Tensor, batch: int) -> None:
        self._linear = _onednn(weights.dtype)
        if self._linear is not None:
            weights = torch.ops.mkldnn._reorder_linear_weight(weights, batch)
        self._weights = weights

    def __call__(self, rows: Tensor) -> Tensor:
        if self._linear is None:
            return torch.mm(rows, self._weights.t())
        return self._linear(rows, self._weights, None, "none", [], "")


def _sum_over_steps(d_gates: Tensor, operands: Tensor) -> Tensor:
    """Return the gradient of weights (L, K), from those of the gates (N * B, L) and the operands (N * B, K)."""
    linear = _onednn(d_gates.dtype)
    use_mm = d_gates.dtype != torch.float32 or torch.backends.cpu.get_cpu_capability() != "AVX512"
    if linear is None or use_mm or not len(operands):  # without AVX-512, MKL is 5 % faster; oneDNN needs a row
        return torch.mm(d_gates.t(), operands)
    return linear(operands.t().contiguous(), d_gates.t(), None, "none", [], "").t()
