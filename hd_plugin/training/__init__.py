"""Training with torch: data, models and recipes. Nothing outside this room imports torch."""

from hd_plugin.errors import MissingTool

try:
    import PIL  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    raise MissingTool(
        f"training needs PyTorch and Pillow ({error}); run: pip install 'hd-plugin[torch]'"
    ) from error
