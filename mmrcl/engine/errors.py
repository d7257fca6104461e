"""Errors that end a run with a sentence for its user."""


class TrainingError(RuntimeError):
    """What made training stop; the message says what to do."""
