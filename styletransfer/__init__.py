"""Neural style transfer: a photograph repainted in a painter's manner."""
