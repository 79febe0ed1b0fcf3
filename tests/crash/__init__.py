"""The crash proof: the daemon is killed at every named point and at random, and what is left is counted."""
