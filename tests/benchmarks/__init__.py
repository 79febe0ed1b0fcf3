"""Figures: `make bench-intake`, `make bench-engine`, `make bench-loss`."""
