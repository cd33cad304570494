"""Toybox: parametric everyday objects in lit scenes, rendered with masks, depth and captions. See README.md here."""
