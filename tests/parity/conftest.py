"""PyTorch is imported before TensorFlow where both are installed.

The compiler that PyTorch brings, which its optimizers import when the first one is made, ends the
process where TensorFlow has been imported before (seen with PyTorch 2.13.0 and TensorFlow 2.21.0).
"""

import importlib.util

if all(importlib.util.find_spec(name) for name in ("torch", "tensorflow")):
    import torch._dynamo  # noqa: F401
