"""From paths to saved results: jobs, folders, sweeps, and what is watched on the way."""
