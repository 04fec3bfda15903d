"""Methods: loops over linearize, subspace and least squares; one file a method."""
