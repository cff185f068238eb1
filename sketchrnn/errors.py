"""What can go wrong with a user's input, each a one-line message that names the file and the place."""


class SketchRNNError(Exception):
    """Base of every error that a user's input can cause; the CLI prints it as one line and exits 1."""


class FormatError(SketchRNNError):
    """A file does not hold what its format demands."""


class DownloadError(SketchRNNError):
    """A file cannot be fetched."""


class DatasetError(SketchRNNError):
    """The drawings that were read cannot be trained on or measured."""


class TrainingError(SketchRNNError):
    """A run cannot go on."""


class CheckpointError(SketchRNNError):
    """A checkpoint is damaged, of another version, or not a checkpoint."""


class ConfigurationError(SketchRNNError):
    """A configuration value is outside what it may be."""


class CategoryError(SketchRNNError):
    """A category is needed and missing, or is not known."""
