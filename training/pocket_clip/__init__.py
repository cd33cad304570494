"""Everything that makes assets/models/pocket-clip: pictures, words, training, calibration, packing."""
