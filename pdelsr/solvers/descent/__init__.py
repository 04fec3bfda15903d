"""Training of θ: gradients, pseudo-time steps, and alignment by Gauss–Newton steps."""
