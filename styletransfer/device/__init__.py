"""Devices, number formats, threads and memory of the machine."""
