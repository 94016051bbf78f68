"""What all tests of commands share."""

import signal

import pytest


@pytest.fixture(autouse=True)
def hear_ctrl_c():
    """Let Ctrl-C reach the commands also where the tests run in the background, deaf to it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)
