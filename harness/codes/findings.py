"""FB101 and on: where what was measured contradicts what was declared, or calls for care.

The gravest come first; one that is added later has the next free id wherever it stands.
"""

from __future__ import annotations

from harness.codes.code import Code

_ONE_PROCESS = "By the kernel's counts, in a process that is watched for memory and not timed."

FINDINGS = (
    Code(
        "FB101",
        "not verified",
        "Results that could not be verified in every respect",
        "Nothing was found wrong, but the check could not judge all of it: samples that are alike "
        "can change places unseen.",
        "What was not looked at may be wrong.",
        "The check of the scenario says itself what it cannot judge.",
        "Measure it with data in which samples differ, such as the generated one.",
    ),
    Code(
        "FB102",
        "cost model",
        "Copies differ from the declared cost model",
        "By more than 5% and 0.5 MiB: the model is wrong, or the strategy does more than its "
        "author thought.",
        "Forecasts of what fits in memory are made with the model.",
        f"{_ONE_PROCESS} What is declared stands beside the strategy.",
        "Trust the measured figure. If the strategy is yours, correct its model.",
    ),
    Code(
        "FB103",
        "largest size",
        "The largest size differs from what the cost model predicts",
        "By more than 2%, under a limit: the memory that runs out may not be the copies that the "
        "model counts.",
        "What fits on a larger machine is foretold by the model.",
        "By searching for the largest size that survives a limit which the kernel enforces.",
        "Trust the measured size, and leave room for what the model does not count.",
    ),
    Code(
        "FB104",
        "not shared",
        "Declared to share memory, but copied",
        "By addresses: the result does not overlap the inputs.",
        "What was meant to be free takes time and memory, and changes are not seen on the other "
        "side.",
        "The addresses of result and inputs are compared in the trial itself.",
        "Look at the dtype and layout of the case: another one may be shared.",
    ),
    Code(
        "FB105",
        "memory unknown",
        "Memory was measured, but is not known",
        "The figures may be too low, so none is shown.",
        "A peak that is not known is not a small one.",
        "What the kernel counts contradicts what the allocators say, or could not be read.",
        "Measure it again; `ferrybench doctor` says what this machine can tell.",
    ),
    Code(
        "FB106",
        "page cache",
        "The page cache was not in the requested state",
        "Pages mapped by another process cannot be evicted, and full memory drops pages that were "
        "read: these times describe neither state.",
        "Reading from a disk may take a hundred times as long as from memory.",
        "By asking the kernel which pages of the file are in memory, before and after an epoch.",
        "End what else maps the files, or free memory, and measure it again.",
    ),
    Code(
        "FB107",
        "pickled",
        "Data came from workers in messages, not in shared memory",
        "Tensors travel as handles of a few hundred bytes; arrays are pickled, sent and copied.",
        "Every byte is copied several times more, and both sides are busy with it.",
        "By the bytes that the process received from its workers, against those of its batches.",
        "Let the workers return tensors: `torch.from_numpy` in `collate_fn` is enough.",
    ),
    Code(
        "FB108",
        "open files",
        "Open files near their limit",
        "Every tensor that a worker sends keeps a file open until it is freed; at the limit, "
        "loading fails.",
        "It works with little data, and fails with more.",
        "By counting the open files of each process of the tree through an epoch.",
        "Copy what you keep of a batch, raise the limit with `ulimit -n`, or use the sharing "
        "strategy `file_system`.",
    ),
    Code(
        "FB109",
        "memory kept",
        "Memory kept after the result was dropped",
        "A leak, or freed blocks that the allocator keeps for later.",
        "In a loop a leak grows; kept blocks do not.",
        f"{_ONE_PROCESS} What is in use after the result was dropped is set against before.",
        "Call it several times with `harness.measure`, and see whether it grows.",
    ),
    Code(
        "FB110",
        "pinned memory kept",
        "Pinned memory kept after the result was dropped",
        "It is kept by torch for the next transfer, which then need not pin again, until the "
        "process ends or, where torch has it, torch.accelerator.empty_host_cache() is called.",
        "Pinned memory cannot be swapped out, and nothing else can use it.",
        "By what torch says of its cache of pinned memory.",
        "Nothing, if more transfers follow; else empty the cache.",
    ),
    Code(
        "FB111",
        "tree kept",
        "Memory of the process tree kept after the loader was dropped",
        "Summed over its processes, counting each shared page once and no file pages: a leak, or "
        "freed blocks that allocators keep for later.",
        "What one loader leaves behind, the next one adds to.",
        "By the process tree after the loader was dropped, against before it was made.",
        "See whether workers persist; make one loader and keep it.",
    ),
    Code(
        "FB114",
        "slow rank",
        "A rank that waits longer for its batches than the others",
        "In every epoch of the launch, against the median of all ranks.",
        "Where ranks exchange gradients, all wait for the slowest.",
        "Each rank times its own waits; the interval is that over epochs.",
        "Launch it again: if another rank is slow then, it is the place that the system gave it.",
    ),
    Code(
        "FB112",
        "processes left",
        "Processes left behind",
        "They were killed after the trial.",
        "In a program they would go on holding memory.",
        "By the children of the trial that outlive it.",
        "Drop the loader's iterator, or end the workers explicitly.",
    ),
    Code(
        "FB113",
        "two modes",
        "Two speeds",
        "Samples fall into two clusters, as on a machine with other work to do; the median "
        "describes neither.",
        "A difference between two such cases may be one of the machine.",
        "By a gap in the sorted samples that is wider than either cluster.",
        "Measure it again on a quiet machine: `ferrybench doctor` says whether it is one.",
    ),
)
