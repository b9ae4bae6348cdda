"""Picture files to tensors and back: decoding, colour, encoding, metadata, provenance."""
