"""Tests of the 3D language Gaussians."""
