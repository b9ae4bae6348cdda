"""3×3 convolution that sees the opposite border instead of zeros, by any of the kernels."""

from dataclasses import dataclass

from torch import Tensor

from styletransfer.device.allocator import empty_as
from styletransfer.vgg.kernels.convolution import AnyKernel


@dataclass(frozen=True, slots=True)
class CircularKernel:
    """A convolution's weights, for values that repeat beyond their borders.

    `convolution.convolve` takes it like any other kernel: the gradient of a
    circular convolution is the circular convolution with the turned kernel.
    """

    kernel: AnyKernel
    """The same weights, for zeros beyond the border."""

    def convolve(self, values: Tensor, *, turned: bool = False, rectified: bool = False) -> Tensor:
        """As `convolution.Kernel.convolve`, with the opposite border beyond each border."""
        padded = self.kernel.convolve(surround(values), turned=turned, rectified=rectified)
        return empty_as(values, padded.shape[1]).copy_(padded[:, :, 1:-1, 1:-1])


def surround(values: Tensor) -> Tensor:
    """Pad values by one position on each side, with those of the opposite border.

    Args:
        values: Shape (B, C, H, W).

    Returns:
        Shape (B, C, H + 2, W + 2), in the layout of the values, which torch's
        own circular padding does not keep.
    """
    channels, height, width = values.shape[1:]
    padded = empty_as(values, channels, height + 2, width + 2)
    padded[:, :, 1:-1, 1:-1] = values
    padded[:, :, :: height + 1, 1:-1] = values[:, :, [-1, 0]]
    padded[..., :: width + 1] = padded[..., [width, 1]]
    return padded
