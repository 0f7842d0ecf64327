"""What all tests share."""

import gc

from hypothesis import settings

# How long an example takes depends on what else the machine does: pytest's timeout is the bound.
settings.register_profile("quick", max_examples=20, deadline=None)  # for the gate, run all day
settings.register_profile("thorough", deadline=None)  # for make test
settings.load_profile("quick")


gc.disable()  # until all is imported, which stays


def pytest_collection_finish() -> None:
    """What imports left stays: looking through it at every collection takes a tenth of the time."""
    gc.freeze()
    gc.enable()
