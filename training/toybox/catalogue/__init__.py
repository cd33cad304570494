"""The toy classes, one module a shelf; ``CLASSES`` in training.toybox.classes lists them all."""
