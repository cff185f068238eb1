"""Old names of the logger's methods, for commands that do not call the logger yet."""

from sketchrnn.cli.messages import LOGGER

say, detail = LOGGER.info, LOGGER.debug
