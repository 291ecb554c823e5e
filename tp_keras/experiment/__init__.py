"""Experiments: runs that resume, log and write checkpoints, by Python or by gin."""
