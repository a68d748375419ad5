import numpy as np, torch
from harness import Scenario, Parameter
from harness.checks import same_values

scenario = Scenario(
    "tensor_from_array",
    question="q",
    baseline="torch_tensor",
    parameters={
        "size": Parameter(4096, axis=True),
        "dtype": Parameter("float32"),
        "layout": Parameter("C"),
        "threads": Parameter(1),
    },
)


@scenario.inputs
def array(size, dtype, layout, rng):
    return rng.integers(0, 255, size, dtype=np.uint8).view(dtype).reshape(-1, 256)


@scenario.strategy(copies=1, shares_memory=False)
def torch_tensor(array):
    """Copies"""
    return torch.tensor(array)


@scenario.strategy(copies=0, shares_memory=True)
def from_numpy(array):
    """Copies"""
    return torch.from_numpy(array)


@scenario.check
def check(array, tensor):
    same_values(array, tensor)
