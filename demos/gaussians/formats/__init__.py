"""Scene files in and out: .ply, .splat, .spz, .npz, LangSplat checkpoints; poses of COLMAP and transforms.json."""
