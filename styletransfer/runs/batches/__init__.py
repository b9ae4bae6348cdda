"""Runs of many pictures: the pictures of a folder, and sweeps over weights."""
