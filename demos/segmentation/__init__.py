"""Open-vocabulary segmentation: name it, outline it."""
