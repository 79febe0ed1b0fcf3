"""Figures: `make bench-calls`."""
