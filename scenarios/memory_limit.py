"""The largest data each way survives with a memory limit, where it fails, and by what."""

from harness import Parameter, Scenario
from harness.scenario import MIB

GIB = 1024 * MIB
LIMITS = ("data", "address_space", "cgroup")

scenario = Scenario(
    "memory_limit",
    question="How much data fits, and which line fails when it does not?",
    baseline="torch_tensor",
    order=90,
    groups={
        "tensor_from_array": "to make a tensor of an array",
        "array_from_loader": "to collect a loader's batches in an array",
        "memmap_training": "to train from a file",
    },
    possible={
        "tensor_from_array": "a tensor can be made of an array",
        "array_from_loader": "the batches of a loader can be collected in an array",
        "memmap_training": "a file can be trained from",
    },
    borrows={
        "tensor_from_array": (
            "torch_tensor",
            "from_numpy",
            "from_numpy_clone",
            "chunks_dropped",
            "chunks_kept",
            "share_memory",
            "stack_tensors",
            "tensor_of_tolist",
            "tensor_then_float",
        ),
        "array_from_loader": (
            "list_cat",
            "list_concatenate",
            "preallocated",
            "growing_buffer",
            "reused_arrays",
        ),
        "memmap_training": (
            "load_into_memory",
            "memmap_index",
        ),
    },
    parameters={
        "budget_bytes": Parameter(
            512 * MIB,
            quick=(384 * MIB,),
            usual=(512 * MIB, GIB),
            full=(512 * MIB, GIB, 4 * GIB),
            axis=True,
            doc="all that a process may have, Python itself included",
        ),
        "limit": Parameter(
            "data",
            choices=LIMITS,
            usual=LIMITS,
            full=LIMITS,
            # Python with torch maps some 600 MiB before it does anything.
            beside={"budget_bytes": GIB},
            doc="how it is enforced: setrlimit(2) of a process's data or address space, or cgroups",
        ),
    },
)
