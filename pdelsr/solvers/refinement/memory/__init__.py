"""The memory of a refinement: its estimate, sizes that fit, and the refusal of others."""
