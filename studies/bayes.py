"""The method `bayes`: Optuna's TPE, which knows of a study what the folders of its trials say, and keeps nothing."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from core.code.installed import installs
from core.errors import InputError
from engine.runs.trial_file import Trial
from studies.distributions import Choice, Range, multiple
from studies.study_file import GOAL_OF, StudyFile

Score = Callable[[Trial], float | None]


def make_suggest(file: StudyFile, mode: str, score: Score) -> Callable[[int, Sequence[Trial]], dict[str, Any]]:
    """Returns what suggests points.

    Args:
        file: The study's file.
        mode: Whether less (`min`) or more (`max`) of a score is better.
        score: Returns what a trial has reached, None if that is not known.

    Raises:
        InputError: Optuna is not installed, or it cannot suggest a parameter.
    """
    try:
        import optuna
    except ImportError:
        raise InputError(f"method bayes: needs Optuna; {installs('studies')}") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces: dict[str, Any] = {}
    for name, parameter in file.parameters.items():
        if isinstance(parameter, Choice) and parameter.weights is None:  # Optuna takes texts and numbers alone
            spaces[name] = optuna.distributions.CategoricalDistribution([json.dumps(one) for one in parameter.values])
        elif isinstance(parameter, Range) and parameter.is_integer:
            spaces[name] = optuna.distributions.IntDistribution(*parameter.ends)
        elif isinstance(parameter, Range) and isinstance(parameter.step, int) and not parameter.is_log:
            spaces[name] = optuna.distributions.IntDistribution(*parameter.ends, step=parameter.step)
        elif isinstance(parameter, Range) and not (parameter.is_log and parameter.step):
            scale = {"log": parameter.is_log, "step": parameter.step}
            spaces[name] = optuna.distributions.FloatDistribution(*parameter.ends, **scale)
        else:
            raise InputError(f"method bayes: {name}: this distribution is for the method random alone")

    def encoded(trial: Trial) -> dict[str, Any]:
        chosen = {name: trial.settings[name] for name in spaces}
        return {name: json.dumps(v) if isinstance(file.parameters[name], Choice) else v for name, v in chosen.items()}

    def decoded(name: str, value: Any) -> Any:
        parameter = file.parameters[name]  # Optuna adds steps up, to 0.30000000000000004
        return json.loads(value) if isinstance(parameter, Choice) else multiple(value, parameter.step)

    def told(trial: Trial) -> Any:
        """Returns a trial as Optuna knows it."""
        states, value = optuna.trial.TrialState, score(trial)
        if trial.ended is None:
            return optuna.trial.create_trial(state=states.RUNNING, params=encoded(trial), distributions=spaces)
        state = states.FAIL if value is None else states.PRUNED if trial.pruned else states.COMPLETE
        steps = {int(trial.pruned["epochs"]): value} if trial.pruned and value is not None else {}
        return optuna.trial.create_trial(
            state=state,
            value=value if state != states.FAIL else None,
            params=encoded(trial),
            distributions=spaces,
            intermediate_values=steps,
        )

    def suggest(place: int, earlier: Sequence[Trial]) -> dict[str, Any]:
        sampler = optuna.samplers.TPESampler(seed=random.Random(f"suggest/{place}").getrandbits(32), constant_liar=True)
        study = optuna.create_study(direction=GOAL_OF[mode], sampler=sampler)
        study.add_trials([told(trial) for trial in earlier])
        return {name: decoded(name, value) for name, value in study.ask(spaces).params.items()}

    return suggest
