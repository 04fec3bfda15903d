"""Solve partial differential equations with neural networks to many correct digits."""
