"""What the inputs of each layer look like: second moments, for rounding that knows which errors matter."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin.training.data import normalise
from hd_plugin.training.quantised import quantised_layers

__all__ = ["input_moments"]


@torch.no_grad()
def input_moments(model: nn.Module, images: torch.Tensor, batch: int = 256) -> dict[str, np.ndarray]:
    """E[x x'] of each layer's input patches: float64 [C * Fy * Fx] squared, in the order of flattened weights.

    images : uint8[N, 3, H, W]. Twice this matrix is the Hessian of a layer's squared output error for every output channel;
    its diagonal is the importance of the weights. No label is used.
    """
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}

    def note(name: str, module: nn.Module):
        def hook(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            x = inputs[0].detach()
            if isinstance(module, nn.Conv2d):
                patches = F.unfold(x, module.kernel_size, module.dilation, module.padding, module.stride)
                x = patches.transpose(1, 2).reshape(-1, patches.shape[1])
            else:
                x = x.reshape(-1, x.shape[-1])
            sums[name] = sums.get(name, 0) + (x.T @ x).double()
            counts[name] = counts.get(name, 0) + len(x)
        return hook
    hooks = [m.register_forward_pre_hook(note(n, m)) for n, m in quantised_layers(model).items()]
    model.eval()
    for start in range(0, len(images), batch):
        model(normalise(images[start:start + batch]))
    for hook in hooks:
        hook.remove()
    return {name: (total / counts[name]).cpu().numpy() for name, total in sums.items()}
