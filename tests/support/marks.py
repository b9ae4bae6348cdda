"""Marks that several test modules share."""

import pytest
import torch

BFLOAT16 = pytest.param(torch.bfloat16, marks=pytest.mark.bfloat16)
"""A case in bfloat16, skipped where the processor would emulate it."""
