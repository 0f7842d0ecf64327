"""What all tests share."""

import gc

from hypothesis import settings

# How long an example takes depends on what else the machine does: pytest's timeout is the bound.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_collection_finish() -> None:
    """What imports left stays: looking through it at every collection takes a tenth of the time."""
    gc.freeze()
