"""How pocket-sam is made: pictures with nested regions, the training, thresholds, scores, packing."""
