"""Errors that a user's input can cause. Each message is one line that names the file and the location in it."""


class SketchRNNError(Exception):
    """Base of every error that a user's input can cause. The CLI prints its message and exits with 1."""


class FormatError(SketchRNNError):
    """A file does not match its format."""


class DownloadError(SketchRNNError):
    """A file cannot be downloaded."""


class DatasetError(SketchRNNError):
    """The drawings cannot be used for training or evaluation."""


class TrainingError(SketchRNNError):
    """A training run cannot continue."""


class CheckpointError(SketchRNNError):
    """A checkpoint is damaged, has another version, or is not a checkpoint."""


class ConfigurationError(SketchRNNError):
    """A configuration value is outside its range."""


class CategoryError(SketchRNNError):
    """A category is missing or unknown."""
