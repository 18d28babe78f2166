"""What measures the core: suites, load, servers."""
