"""PyTorch networks to rewrite."""

import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin.training.models import make_model


class Everything(nn.Module):
    """Residuals, concatenations, slices, gates, depthwise, padding, a module used twice, flattening."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.bn = nn.BatchNorm2d(12)
        self.act = nn.PReLU(12)
        self.branch1, self.branch2 = nn.Conv2d(12, 8, 1), nn.Conv2d(12, 6, 3, padding=1, bias=False)
        self.depth = nn.Conv2d(14, 28, 3, padding=1, groups=14)
        self.squeeze, self.excite = nn.Conv2d(28, 5, 1), nn.Conv2d(5, 28, 1)
        self.back = nn.Conv2d(28, 12, 1)
        self.twice = nn.Conv2d(12, 12, 1)
        self.tail = nn.Conv2d(20, 9, 1)
        self.hidden, self.out = nn.Linear(9 * 16, 11), nn.Linear(11, 4)

    def forward(self, x):
        x = self.act(self.bn(self.stem(x)))
        y = torch.cat([self.branch1(x), F.relu(self.branch2(x))], 1)
        y = self.depth(y)
        y = y * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        x = F.relu(x + self.back(y))
        x = self.twice(F.relu(self.twice(x))) + 1.5
        x = F.pad(F.max_pool2d(x, 2), (0, 0, 0, 0, 3, 5)) + torch.cat(
            [x[:, 4:, ::2, ::2], x[:, :12, ::2, ::2]], dim=1
        )
        x = F.relu(self.tail(x)).flatten(1)
        return self.out(F.relu6(self.hidden(x)))


class Barriers(nn.Module):
    """Operations whose channels may not move."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Conv2d(3, 8, 1),
            nn.Conv2d(8, 8, 3, groups=2, padding=1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(2, 6, 1),
        )
        self.norm, self.free, self.scale = (
            nn.GroupNorm(2, 8),
            nn.Conv2d(6, 6, 1),
            nn.Parameter(torch.rand(1, 8, 1, 1)),
        )

    def forward(self, x):
        x = self.norm(self.c(self.b(self.a(x)))) * self.scale
        x = x.reshape(x.shape[0], 2, -1, x.shape[3])
        return self.free(F.relu(self.d(x))).mean((2, 3))


class Shared(nn.Module):
    """Parameters with a second use, tuples, bounds that are tensors, pools and padding that mix channels.

    Nothing may move where it would show.
    """

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Conv2d(3, 8, 1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(8, 8, 1),
        )
        self.tied = nn.Conv2d(8, 8, 1)
        self.tied.weight = self.b.weight
        self.bn, self.low = nn.BatchNorm2d(8), nn.Parameter(torch.rand(1, 8, 1, 1))
        self.pool, self.e, self.free, self.out = (
            nn.AvgPool2d((3, 1), 1, (1, 0)),
            nn.Linear(10, 6),
            nn.Linear(6, 7),
            nn.Linear(7, 4),
        )

    def forward(self, x):
        p, q = self.a(x).chunk(2, 1)
        x = self.b(torch.cat([q, p], 1))
        x = self.tied(F.relu(x)) + F.conv2d(x, self.c.weight) + self.c(x).max(1, keepdim=True)[0]
        x = torch.clamp(self.bn(self.d(x)), min=self.low) * (self.bn.weight[:4].sum())
        x = self.pool(x.flatten(2)).mean(2)
        return self.out(F.relu(self.free(F.relu(self.e(F.pad(x, (1, 1), mode="reflect"))))))


def randomised(model, seed=0):
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -1, 1),
                (module.running_var, 0.5, 2),
                (module.weight.data, 0.5, 2),
                (module.bias.data, -1, 1),
            ):
                values.uniform_(low, high)
    return model.eval()


NETWORKS = {
    "shared": (Shared, 8),
    "everything": (Everything, 8),
    "barriers": (Barriers, 8),
    "resnet8": (lambda: make_model("resnet8", 10), 32),
    "mobilenet": (lambda: make_model("mobilenet_v2_035", 10), 16),
}
