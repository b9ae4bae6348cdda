"""Folders and sweeps on several processes, through Dask; needs the extra `cluster`."""
