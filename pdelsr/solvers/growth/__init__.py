"""Larger networks during a run: when, how large, and how."""
