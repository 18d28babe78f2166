"""The PostgreSQL installations that this machine has."""

from __future__ import annotations

from tests.harness.postgres.conftest import installation

__all__ = ["installation"]
