"""Scripts that make the bundled models and pictures; imported by nothing that runs in the hub."""
