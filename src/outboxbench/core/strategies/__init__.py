"""The ways to persist the domain: one package a library, all behind the same ports."""
