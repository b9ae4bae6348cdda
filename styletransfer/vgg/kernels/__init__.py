"""What makes the network fast on a CPU, each part interchangeable with torch's own.

`network.FastNetwork` evaluates the layers, `loss_taps` takes the losses from
activations on their way. Two conventions hold inside this folder only:

* **Padding is part of a tensor.** Activations carry a ring of positions around
  the picture (`padded.PaddedLayout`). Its values are valid only right after
  they were written, so whatever reads activations fills or clears the ring first.
* **The consumer masks the gradient of a ReLU.** A ReLU is fused into the
  convolution before it and has no backward step of its own. Whatever consumes
  its output gives no gradient to activations of 0: a convolution with
  ``relu_before=True``, `pooling.max_pool`, a loss tap with ``rectified=True``,
  or `relu.masked` before anything else.
"""
