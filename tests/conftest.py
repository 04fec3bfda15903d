"""Settings of the whole test suite."""

from __future__ import annotations

import torch

# The tensors of the tests are tiny: handing them between threads costs more than the arithmetic,
# a hundred times more when the cores are busy.
torch.set_num_threads(1)
