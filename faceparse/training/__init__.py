"""The epoch loop, and what stands beside it: tasks, optimizers, resuming, several processes, runs."""
