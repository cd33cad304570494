"""The papers page: what the hub grew from, and how far each of them got."""
