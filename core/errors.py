"""Every expected failure of the hub, each carrying one sentence for the person who meets it."""

from __future__ import annotations


class HubError(Exception):
    """Raised when a request cannot be answered; ``str(error)`` is one sentence fit for the page."""


class InputError(HubError, ValueError):
    """Raised when what a visitor gave cannot be used: says what is wrong, the actual value, what is allowed."""


class ModelUnavailable(HubError, RuntimeError):
    """Raised when a model cannot be had: says which one, why, and what to do about it."""


class Cancelled(HubError, RuntimeError):
    """Raised inside a job after its ``Job.cancel`` was called: the visitor pressed Cancel or left."""
