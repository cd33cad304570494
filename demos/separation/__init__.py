"""Tab: name a sound, hear it alone."""
