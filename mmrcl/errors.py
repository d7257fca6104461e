"""Errors that end a run with a sentence for its user."""


class TrainingError(RuntimeError):
    """What made training stop; the message says what to do."""


class ConfigError(ValueError):
    """A setting that cannot work, found before any work; the message says what to set."""
