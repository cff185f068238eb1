"""What this machine can train on."""

import torch

from sketchrnn.errors import ConfigurationError


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU where there is one.

    Raises:
        ConfigurationError: cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigurationError("device cuda: torch finds no GPU here; take --device cpu")
    return ("cuda" if available else "cpu") if name == "auto" else name


def choose_precision(name: str, device: str) -> str:
    """Return "float32" or "bfloat16"; "auto" takes bfloat16 on a GPU and on a CPU that multiplies it natively."""
    if name != "auto":
        return name
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    natively = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name for it yet
    return "bfloat16" if natively is not None and natively() else "float32"
