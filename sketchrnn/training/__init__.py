"""Everything that uses torch: the network, its losses, batches, augmentation, the loop and evaluation."""

from sketchrnn.errors import ConfigurationError


def check_torch(command: str) -> None:
    """Check that torch is installed, for a command that needs it.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(f"sketchrnn {command} needs PyTorch: pip install 'sketchrnn[train]'") from error
