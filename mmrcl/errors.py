"""Errors that end a run with one message for the user."""


class TrainingError(RuntimeError):
    """Failure that stops training; the message names the remedy."""


class ConfigError(ValueError):
    """Invalid setting, found before any work starts; the message names the remedy."""
