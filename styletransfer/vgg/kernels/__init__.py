"""What makes the network fast on a CPU, each part interchangeable with torch's own.

`network.FastNetwork` evaluates the layers, `loss_taps` takes the losses from
activations on their way. All are tensors (B, C, H, W), channels last, or first
where NNPACK computes the convolutions. One convention holds inside this folder only:

**The consumer masks the gradient of a ReLU.** A ReLU is fused into the
convolution before it and has no backward step of its own. Whatever consumes its
output gives no gradient to activations of 0: a convolution with
``relu_before=True``, `pooling.max_pool`, a loss tap with ``rectified=True``, or
`relu.masked` before anything else.
"""
