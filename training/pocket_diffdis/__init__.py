"""pocket-diffdis: a diffusion over text embeddings given a picture's embedding; recipe in README.md."""
