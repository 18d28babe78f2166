"""What goes wrong, on purpose: each fault a module, with the proof that it took effect."""
