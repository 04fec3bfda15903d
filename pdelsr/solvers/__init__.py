"""Methods: loops over linearize, subspace and least squares; one file per method."""
