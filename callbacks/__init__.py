"""Lightning callbacks, one a file, and what several of them use."""

from callbacks.averaged_weights import AveragedWeights
from callbacks.channels_last import ChannelsLast
from callbacks.configured_optimizer import ConfiguredOptimizer
from callbacks.convolution_precision import ConvolutionPrecision
from callbacks.data_initializer import DataInitializer
from callbacks.early_stopping import EarlyStopping
from callbacks.features import Features
from callbacks.freeze import Freeze
from callbacks.fused_optimizers import FusedOptimizers
from callbacks.hard_samples import HardSamples
from callbacks.logged_values import LoggedValues
from callbacks.media_after_epoch import EpochMedia
from callbacks.media_after_fit import FitMedia
from callbacks.media_after_test import TestMedia
from callbacks.nan_guard import NaNGuard
from callbacks.plateau_steps import PlateauSteps
from callbacks.progress import Progress
from callbacks.progressive_validation import ProgressiveValidation
from callbacks.record import Record
from callbacks.require_steps import MadeSteps
from callbacks.run_checkpoint import RunCheckpoint
from callbacks.step_seed import StepSeed
from callbacks.subset_accuracy import TestSubset
from callbacks.views import Views
from callbacks.watch import Watch
from callbacks.written_texts import WrittenTexts
from callbacks.zero_gradients import ZeroGradients

__all__ = [
    "AveragedWeights",
    "ChannelsLast",
    "ConfiguredOptimizer",
    "ConvolutionPrecision",
    "DataInitializer",
    "EarlyStopping",
    "EpochMedia",
    "Features",
    "FitMedia",
    "Freeze",
    "FusedOptimizers",
    "HardSamples",
    "LoggedValues",
    "MadeSteps",
    "NaNGuard",
    "PlateauSteps",
    "Progress",
    "ProgressiveValidation",
    "Record",
    "RunCheckpoint",
    "StepSeed",
    "TestMedia",
    "TestSubset",
    "Views",
    "Watch",
    "WrittenTexts",
    "ZeroGradients",
]
