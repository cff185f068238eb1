"""What this machine can train on."""

import torch

from sketchrnn.errors import ConfigurationError


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda:0", or the number of this process's own GPU; "auto" takes a GPU where there is one.

    Raises:
        ConfigurationError: cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigurationError("device cuda: torch finds no GPU here; take --device cpu")
    if name == "cpu" or not available:
        return "cpu"
    return f"cuda:{torch.cuda.current_device()}"


def choose_precision(name: str, device: str) -> str:
    """Return "float32" or "bfloat16"; "auto" takes bfloat16 on a GPU and on a CPU that multiplies it natively."""
    if name != "auto":
        return name
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    natively = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name for it yet
    return "bfloat16" if natively is not None and natively() else "float32"
