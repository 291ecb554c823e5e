"""Random search over the settings of an experiment."""
