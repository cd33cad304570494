"""3D language Gaussians: type a word, see it light up in the scene."""
