"""pocket-light: CLIP-LIT's network taught what good light is by the pocket encoder; recipe in README.md."""
