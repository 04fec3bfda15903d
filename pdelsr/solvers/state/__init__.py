"""The parts of a run: settings, discretization, candidates, history, status."""
