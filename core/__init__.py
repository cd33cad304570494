"""What the tabs share about models: catalogue, loading, pooling, encoders, images. Knows no tab."""
