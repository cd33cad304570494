"""Makes pocket-sep: a small CLIP-queried sound separator, trained by mixing sounds and taking them apart."""
