"""The checks of `python -m benchmarks.gpu_check`: real runs on a device, with their figures."""
