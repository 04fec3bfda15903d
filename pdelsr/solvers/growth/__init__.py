"""Larger networks while a run goes on: when, how far, and how."""
