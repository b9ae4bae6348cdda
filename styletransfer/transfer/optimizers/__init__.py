"""Optimizers: from the gradient at each point to the step to the next."""
