"""pocket-denoise: a small diffusion model for the noise of lifted shadows; recipe in README.md."""
