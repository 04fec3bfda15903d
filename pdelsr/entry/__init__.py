"""What a user calls: `solve`, `refine` and `refine_many`."""
