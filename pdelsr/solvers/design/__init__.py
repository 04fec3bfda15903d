"""Network and points of a run, before its first step."""
