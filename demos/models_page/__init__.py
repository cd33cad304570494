"""The models page: what can be loaded, what it weighs and under which licence."""
