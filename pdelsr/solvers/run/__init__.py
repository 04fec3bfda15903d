"""One run of a method: the contract of methods, and the loop around their steps."""
