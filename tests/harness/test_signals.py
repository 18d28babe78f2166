"""SIGTERM ends the harness as Ctrl-C does."""

from __future__ import annotations

import os
import signal

import pytest

from outboxbench.harness.signals import raise_on_sigterm


def test_sigterm_unwinds_like_ctrl_c() -> None:
    with raise_on_sigterm(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_earlier_handler_comes_back() -> None:
    earlier = signal.getsignal(signal.SIGTERM)
    with raise_on_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not earlier
    assert signal.getsignal(signal.SIGTERM) is earlier
