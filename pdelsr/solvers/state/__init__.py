"""What a run is made of: settings, discretization, candidates and the best of them, its end."""
