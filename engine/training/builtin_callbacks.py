"""The callbacks that every run has."""

from typing import Any

from pytorch_lightning import Callback

from callbacks import (
    AveragedWeights,
    ChannelsLast,
    ConfiguredOptimizer,
    ConvolutionPrecision,
    DataInitializer,
    EarlyStopping,
    EpochMedia,
    Features,
    FitMedia,
    Freeze,
    FusedOptimizers,
    LoggedValues,
    MadeSteps,
    NaNGuard,
    PlateauSteps,
    Progress,
    Record,
    RunCheckpoint,
    StepSeed,
    TestMedia,
    TestSubset,
    Views,
    Watch,
    WrittenTexts,
    ZeroGradients,
)


def with_builtins(given: list[Callback], progress_bar: bool) -> list[Callback]:
    """Adds each built-in callback that is not given; the layout of weights is settled before anything copies them.

    One that derives from a built-in callback takes its place.
    """
    builtins: list[Callback] = [
        NaNGuard(),
        Features(),
        Freeze(),
        EarlyStopping(),
        MadeSteps(),
        StepSeed(),
        ConfiguredOptimizer(),
        FusedOptimizers(),
        AveragedWeights(),
        TestSubset(),
        Views(),
        Record(),
        Progress(progress_bar),
        TestMedia(),
        WrittenTexts(),
        EpochMedia(),
        FitMedia(),
        Watch(),
        ZeroGradients(),
        RunCheckpoint(),
    ]
    missing = [one for one in builtins if not any(isinstance(other, type(one)) for other in given)]
    # LoggedValues first, since others ask it in the same hooks; RunCheckpoint after what notes something of an epoch,
    # which its checkpoint keeps; Progress prints what is saved
    return sorted(
        [LoggedValues(), ChannelsLast(), ConvolutionPrecision(), DataInitializer(), PlateauSteps(), *given, *missing],
        key=lambda callback: isinstance(callback, RunCheckpoint) + 2 * isinstance(callback, Progress),
    )


def as_list(value: Any) -> list:
    """Returns what an option takes as one value, as several, or as none, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
