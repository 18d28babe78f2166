"""Strategies with one bug each, planted to see whether a fault run convicts them."""
