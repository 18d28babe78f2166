"""The write plan `group`: units of work that are ready at the same time travel together."""
