"""One folder per tab; a tab never imports another tab."""
