"""The methods, one file each, and the choice among them by name."""
