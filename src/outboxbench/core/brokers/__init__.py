"""Where messages for the outside go; each broker implements the same port."""
