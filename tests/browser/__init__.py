"""Tests that drive a real headless chromium."""
