"""What may have become of a run, or of a trial of a sweep; and what its workers are at."""

RUNNING = "running"
FINISHED = "finished"
STOPPED = "stopped"  # by its time limit or a SIGTERM; started again, it goes on
STOPPED_EARLY = "stopped early"  # a trial, by the scheduler, because others did better
FAILED = "failed"
TRAINING = "training"  # workers that have begun, or begun again

ENDS = frozenset((FINISHED, STOPPED, FAILED))  # of a run, as its workers tell it

WORKERS_LOST = "workers lost"  # an event of a run: they died, and others may go on in their place
