"""Networks: one LightningModule per file, imported when its name is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.code.lazy_imports import lazy_imports

if TYPE_CHECKING:
    from lightning_modules.alexnet import AlexNet
    from lightning_modules.attention_captioner import AttentionCaptioner
    from lightning_modules.bag_of_ngrams import BagOfNgrams
    from lightning_modules.captioner import Captioner
    from lightning_modules.char_rnn import CharRNN
    from lightning_modules.convnet import ConvNet
    from lightning_modules.course_inception import CourseInception
    from lightning_modules.course_mobilenet import CourseMobileNet
    from lightning_modules.course_resnet import CourseResNet
    from lightning_modules.dcgan import DCGAN
    from lightning_modules.densenet import DenseNet
    from lightning_modules.efficientnet_lite import EfficientNetLite
    from lightning_modules.fast_style import FastStyle
    from lightning_modules.gan import GAN
    from lightning_modules.googlenet import GoogLeNet
    from lightning_modules.lenet5 import LeNet5, ModernLeNet5
    from lightning_modules.logistic_regression import LogisticRegression
    from lightning_modules.mlp import MLP
    from lightning_modules.mobilenet import MobileNet
    from lightning_modules.mobilenet_v2 import MobileNetV2
    from lightning_modules.perceptron import Perceptron
    from lightning_modules.resnet import ResNet
    from lightning_modules.seq2seq import Seq2Seq
    from lightning_modules.softmax_regression import SoftmaxRegression
    from lightning_modules.style_transfer import StyleTransfer
    from lightning_modules.text_cnn import TextCNN
    from lightning_modules.text_rnn import TextRNN
    from lightning_modules.transformer import Transformer
    from lightning_modules.transformer_captioner import TransformerCaptioner
    from lightning_modules.transformer_lm import TransformerLM
    from lightning_modules.vgg import VGG
    from lightning_modules.word_vectors import WordVectors

_MODULES = {
    "AlexNet": "alexnet",
    "AttentionCaptioner": "attention_captioner",
    "BagOfNgrams": "bag_of_ngrams",
    "Captioner": "captioner",
    "CharRNN": "char_rnn",
    "ConvNet": "convnet",
    "CourseInception": "course_inception",
    "CourseMobileNet": "course_mobilenet",
    "CourseResNet": "course_resnet",
    "DCGAN": "dcgan",
    "DenseNet": "densenet",
    "EfficientNetLite": "efficientnet_lite",
    "FastStyle": "fast_style",
    "GAN": "gan",
    "GoogLeNet": "googlenet",
    "LeNet5": "lenet5",
    "LogisticRegression": "logistic_regression",
    "MLP": "mlp",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "ModernLeNet5": "lenet5",
    "Perceptron": "perceptron",
    "ResNet": "resnet",
    "Seq2Seq": "seq2seq",
    "SoftmaxRegression": "softmax_regression",
    "StyleTransfer": "style_transfer",
    "TextCNN": "text_cnn",
    "TextRNN": "text_rnn",
    "Transformer": "transformer",
    "TransformerCaptioner": "transformer_captioner",
    "TransformerLM": "transformer_lm",
    "VGG": "vgg",
    "WordVectors": "word_vectors",
}

_import, __all__ = lazy_imports(__name__, _MODULES)


def __getattr__(name: str) -> Any:
    if name == "task":  # configs of earlier runs name `lightning_modules.task.default_optimizer`
        return import_module("lightning_modules.tasks.task")
    return _import(name)
