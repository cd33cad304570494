"""The project's own sound synthesiser: instruments, nature and machines, each sound from a seed."""
