"""gradschool: a deep-learning course you can run. Importing this package imports nothing heavy."""

__version__ = "0.1.0"
