"""The HTML page about finished runs; needs the extra ``report``."""
