"""Linear layers in 8-bit integers, for a CPU: weights are rounded once, a scale an output; inputs as they come, a scale a row.

With a scale of its own for each token (as in ZeroQuant, arXiv 2206.01861, section 4.1) a row's numbers depend on no other row
of its batch, which a scale a batch (`torch.ao.quantization.quantize_dynamic`) does not give. The products are torch's own
(`torch._int_mm`), which take the processor's 8-bit instructions (VNNI, AMX) where it has them.

Shapes: `I` inputs and `O` outputs of a layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LARGEST = 127
"""Of an integer; -128 is left out, so that signs are alike."""


class Int8Linear(nn.Module):
    """What stands in for a linear layer. Inputs and outputs keep their type."""

    weight: Tensor
    """(O, I) integers."""
    scale: Tensor
    """(O), what one of them stands for."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scale = rounded(linear.weight.detach().float())
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("scale", scale[:, 0], persistent=False)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """The layer's outputs (..., O). inputs: (..., I)."""
        rows, scale = rounded(inputs.reshape(-1, inputs.shape[-1]).float())
        outputs = (torch._int_mm(rows, self.weight.t()) * scale).mul_(self.scale)
        if self.bias is not None:
            outputs += self.bias
        return outputs.view(*inputs.shape[:-1], -1).to(inputs.dtype)


def rounded(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (R, I) as integers (R, I), and what one of them stands for in each row (R, 1)."""
    scale = rows.abs().amax(dim=-1, keepdim=True).clamp_(min=torch.finfo(rows.dtype).tiny) / LARGEST
    return (rows / scale).round_().to(torch.int8), scale


def put_int8(model: nn.Module) -> None:
    """Put 8-bit layers in the place of a model's linear ones, that which gives the logits with them."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, Int8Linear(child))
