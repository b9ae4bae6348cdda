"""The method on tensors, as the papers have it: losses, pyramid, optimizers, `stylize`."""
