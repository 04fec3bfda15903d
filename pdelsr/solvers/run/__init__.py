"""One run: the job, the contract of methods, the loop around their steps, the best state."""
