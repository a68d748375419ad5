"""Trials of several ranks: torchrun starts them, each loads for itself, and a trial watches all."""
