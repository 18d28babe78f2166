"""What the service does with its domain, over ports that any strategy can implement."""
