"""What the results mean: pure functions over `results`, without a clock, a driver or a server."""
