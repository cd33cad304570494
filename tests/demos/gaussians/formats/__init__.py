"""Tests of the scene files."""
