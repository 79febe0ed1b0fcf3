"""Tests of the document room with its real process."""
