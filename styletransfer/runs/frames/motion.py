"""Where the last frame's painting is now: optical flow between two photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.images.tensors import to_picture
from styletransfer.transfer.resizing import resize

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor

_SMALLEST = 12  # pixels of the longest side; of less OpenCV finds no flow
_SPREAD = 8  # pixels over which colours are averaged, more than a stroke of the brush


def move(painted: Tensor, before: Tensor, now: Tensor) -> Tensor:
    """Move a result along with what it shows.

    What comes in over the borders is the photograph in the colours of what is
    painted beside it. Mirrored brushwork would stay, and a pan over twenty frames
    would leave a pattern like knitting.

    Args:
        painted: The result of a frame, shape (1, 3, H, W), RGB in [0, 1].
        before: The photograph that it was painted from, of that form and any size.
        now: The photograph of a later frame, likewise.

    Returns:
        What the result would be of the later frame, as `painted`.

    References:
        Kroeger et al. (2016), "Fast optical flow using dense inverse search". The
        start of each frame as in Ruder, Dosovitskiy & Brox (2016), sec. 4.1. Differs:
        no temporal loss and no mask of what is uncovered; the start is enough.
    """
    import cv2
    import numpy as np
    import torch

    height, width = painted.shape[2:]
    if max(height, width) < _SMALLEST:
        return painted
    before, now = (resize(image, width, height) for image in (before, now))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    across, down = np.moveaxis(_flow(now, before), 2, 0)
    columns, rows = columns + across, rows + down
    moved, photograph = (
        cv2.remap(_levels(image), columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        for image in (painted, before)
    )
    colours = _levels(now) + cv2.GaussianBlur(moved - photograph, (0, 0), _SPREAD)
    seen = (abs(columns - (width - 1) / 2) <= width / 2) & (
        abs(rows - (height - 1) / 2) <= height / 2
    )
    start = torch.from_numpy(np.where(seen[..., None], moved, colours))
    return start.permute(2, 0, 1).unsqueeze(0).contiguous().clamp(0, 1)


def _levels(image: Tensor) -> NDArray[Any]:
    """An image as an array of shape (H, W, 3)."""
    levels: NDArray[Any] = image[0].permute(1, 2, 0).contiguous().numpy()
    return levels


def _flow(now: Tensor, before: Tensor) -> NDArray[Any]:
    """Where each pixel was, from where it is: shape (H, W, 2), across and down in pixels."""
    import cv2
    import numpy as np

    grey = [np.asarray(to_picture(image).convert("L")) for image in (now, before)]
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: NDArray[Any] = search.calc(*grey, None)
    return flow
