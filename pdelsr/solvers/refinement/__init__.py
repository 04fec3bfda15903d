"""One linearized refinement: its Newton steps, its memory, and what it tells."""
