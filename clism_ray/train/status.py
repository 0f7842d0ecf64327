"""What may have become of a run, or of a trial of a sweep."""

RUNNING = "running"
FINISHED = "finished"
STOPPED = "stopped"  # by its time limit; started again, it goes on
STOPPED_EARLY = "stopped early"  # a trial, by the scheduler, because others did better
FAILED = "failed"

WORKERS_LOST = "workers lost"  # an event of a run: they died, and others may go on in their place
