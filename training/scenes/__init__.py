"""The two scenes that the 3D tab ships: what stands where, photos of it with poses, and what is true about them."""
