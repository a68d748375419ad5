"""FB201 and on: how a case ended that has no numbers."""

from __future__ import annotations

from harness.codes.code import Code

_ALONE = "Every trial is a process of its own, so that its end concerns no other case."

ENDINGS = (
    Code(
        "FB201",
        "wrong",
        "The result was wrong",
        "The strategy ended well, and gave something else than it should.",
        "It would have gone unnoticed in a program. Its times are not shown, since they are times "
        "of something else.",
        "By the scenario's check, which compares values, dtypes, shapes and the order of samples.",
        "Do not use it with these parameters.",
    ),
    Code(
        "FB202",
        "error",
        "It raised an exception",
        "The strategy raised, and a program could have caught it.",
        "It cannot be used with these parameters.",
        f"By the exception, with the line of the strategy where it came from. {_ALONE}",
        "See the reason; often another strategy of its group takes what this one refuses.",
    ),
    Code(
        "FB203",
        "oom",
        "It ran out of memory",
        "Memory for what it was doing could not be had.",
        "The same happens in a program with data of this size and this much memory.",
        "By the exception of NumPy, torch or Python, or by the signal of the kernel.",
        "Use a strategy with a lower peak, smaller data, or more memory.",
    ),
    Code(
        "FB204",
        "timeout",
        "It did not end in time",
        "The trial took longer than it may, and was stopped.",
        "It is unknown whether it would have ended: it may be slow, or locked for ever.",
        f"By the clock: one minute unless another time was asked for. {_ALONE}",
        "Give it longer with `--timeout`; the reason says where it stood.",
    ),
    Code(
        "FB205",
        "crash",
        "It ended the process",
        "The process was ended by a signal, or by itself.",
        "No `except` can catch that: all that was in memory is lost.",
        f"By how the process ended. {_ALONE}",
        "Do not use it with these parameters; please report it to the library at fault.",
    ),
    Code(
        "FB206",
        "skipped",
        "It was not run",
        "It was skipped before it began, with the reason that is given, or was not reached.",
        "It is neither good nor bad: nothing is known of it.",
        "What a case needs is looked up before it is run; a run that ends early lists the rest.",
        "See the reason. What was not reached is measured by `ferrybench run --resume`.",
    ),
)
