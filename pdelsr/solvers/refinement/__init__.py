"""One linearized refinement: its Newton steps, its memory, and its report."""
