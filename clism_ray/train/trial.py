"""What runs in one trial of a sweep: the same training as `pretrain`, reporting to Ray Tune."""

from typing import Any

from ray import tune
from ray.train import UserCallback
from ray.tune.integration.ray_train import TuneReportCallback

from clism_ray import cluster
from clism_ray.config_sweep import SweepConfig
from clism_ray.errors import InputError, WorkersLost
from clism_ray.hold import hold
from clism_ray.train import journal, preflight
from clism_ray.train.launch import Plan, lay_out, plan_run, train_planned
from clism_ray.train.space import (
    OBJECTIVE,
    STEP,
    curve_of,
    objective_curve,
    shared_tokenizer,
    sweep_folder,
    trial_config,
    trial_name,
)
from clism_ray.train.status import FINISHED


def run_trial(values: dict[str, Any], config: SweepConfig) -> None:
    """Train, or go on with, the run of these values.

    MLflow is not told from here: the sweep's driver reads the journals, so a store has one writer.
    """
    run = trial_config(config, values, trial_name(config.name, tune.get_context().get_trial_id()))
    plan = plan_run(run)
    with hold(plan.folder, f"the trial {run.name!r}"):
        if plan.record.status != FINISHED:
            preflight.check_resources(run, cluster.nodes())
            plan = lay_out(plan, shared_tokenizer(config, run))
            _train(plan, config.objective)
        if config.few_shot:
            from clism_ray.train.few_shot import end_with_cell  # most trials have none

            end_with_cell(config.few_shot, run, plan.steps)
    reported = curve_of(sweep_folder(config), run.name, config.objective)
    if not reported:
        raise InputError(
            f"objective {config.objective!r} was never reported by {run.name}: the held-out pairs "
            "hold nothing that it measures"
        )
    step, value = reported[-1]
    tune.report({STEP: step, OBJECTIVE: value})


def _train(plan: Plan, objective: str) -> None:
    """Train, restarting workers that die from here.

    Ray Train would do it from its controller. That one outlives a trial which is stopped, takes
    its dying workers for a failure, and reserves CPUs anew that nobody gives back.
    """
    for restarts_left in reversed(range(plan.config.scaling.max_restarts + 1)):
        try:
            train_planned(plan, ObjectiveCallback(objective), restarts=0)
        except WorkersLost as lost:
            if not restarts_left:
                raise
            print(f"{plan.config.name}: {lost}", flush=True)
        else:
            return


class ObjectiveCallback(UserCallback):  # type: ignore[misc]
    """Runs in Ray Train's controller: hands the objective to the trial, once a validation."""

    def __init__(self, objective: str) -> None:
        self.objective = objective
        self.trial = TuneReportCallback()  # knows the trial that it is made in

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Report what a validation after some step found."""
        entries = [journal.Entry(**entry) for entry in metrics[0]["entries"]]
        for step, value in objective_curve(entries, self.objective):
            self.trial.after_report(run_context, [{STEP: step, OBJECTIVE: value}], None)
