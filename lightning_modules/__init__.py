"""Networks: one LightningModule a file. They are imported by name, so that none is loaded unasked."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_modules.alexnet import AlexNet
    from lightning_modules.bag_of_ngrams import BagOfNgrams
    from lightning_modules.char_rnn import CharRNN
    from lightning_modules.convnet import ConvNet
    from lightning_modules.course_inception import CourseInception
    from lightning_modules.course_mobilenet import CourseMobileNet
    from lightning_modules.course_resnet import CourseResNet
    from lightning_modules.densenet import DenseNet
    from lightning_modules.googlenet import GoogLeNet
    from lightning_modules.lenet5 import LeNet5, ModernLeNet5
    from lightning_modules.logistic_regression import LogisticRegression
    from lightning_modules.mlp import MLP
    from lightning_modules.mobilenet import MobileNet
    from lightning_modules.mobilenet_v2 import MobileNetV2
    from lightning_modules.perceptron import Perceptron
    from lightning_modules.resnet import ResNet
    from lightning_modules.softmax_regression import SoftmaxRegression
    from lightning_modules.text_cnn import TextCNN
    from lightning_modules.text_rnn import TextRNN
    from lightning_modules.vgg import VGG

_PLACES = {
    "AlexNet": "lightning_modules.alexnet",
    "BagOfNgrams": "lightning_modules.bag_of_ngrams",
    "CharRNN": "lightning_modules.char_rnn",
    "ConvNet": "lightning_modules.convnet",
    "CourseInception": "lightning_modules.course_inception",
    "CourseMobileNet": "lightning_modules.course_mobilenet",
    "CourseResNet": "lightning_modules.course_resnet",
    "DenseNet": "lightning_modules.densenet",
    "GoogLeNet": "lightning_modules.googlenet",
    "LeNet5": "lightning_modules.lenet5",
    "LogisticRegression": "lightning_modules.logistic_regression",
    "MLP": "lightning_modules.mlp",
    "MobileNet": "lightning_modules.mobilenet",
    "MobileNetV2": "lightning_modules.mobilenet_v2",
    "ModernLeNet5": "lightning_modules.lenet5",
    "Perceptron": "lightning_modules.perceptron",
    "ResNet": "lightning_modules.resnet",
    "SoftmaxRegression": "lightning_modules.softmax_regression",
    "TextCNN": "lightning_modules.text_cnn",
    "TextRNN": "lightning_modules.text_rnn",
    "VGG": "lightning_modules.vgg",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name == "task":  # configs of earlier runs name `lightning_modules.task.default_optimizer`
        return import_module("lightning_modules.tasks.task")
    if name not in _PLACES:
        raise AttributeError(f"module 'lightning_modules' has no attribute '{name}'")
    return getattr(import_module(_PLACES[name]), name)
