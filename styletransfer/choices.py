"""The values of settings that are words."""

from typing import Literal

StyleForm = Literal["gram", "moments", "wasserstein"]
TVForm = Literal["isotropic", "anisotropic", "squared"]
PreserveColor = Literal["none", "luminance", "match"]
Optimizer = Literal["lbfgs", "adam"]
Network = Literal["vgg19", "vgg16"]
WeightsLayout = Literal["torchvision", "caffe"]
Pooling = Literal["max", "avg"]
Precision = Literal["auto", "float32", "bfloat16"]
Bits = Literal[8, 16]
