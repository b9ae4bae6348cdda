"""Colours of whole pictures: kept from the photograph, or taken from the painting."""
