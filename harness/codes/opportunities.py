"""FB001 and on: what could be gained over the usual way, which is the baseline of a scenario."""

from __future__ import annotations

from harness.codes.code import Code

_PAIRED = (
    "Each process that timed it has a neighbour in the same round that timed the baseline. The "
    "saving is the median of their differences, and the interval is over these pairs. It is listed "
    "only if the whole interval of the ratio lies below 0.98."
)
_ONE_READING = (
    "By the kernel's counts of one process, which hardly vary from process to process. Differences "
    "below 5% of the data, and below what the counts are accurate to, are none."
)

OPPORTUNITIES = (
    Code(
        "FB001",
        "share",
        "Share the memory instead of copying it",
        "Array and tensor are made to lie in the same memory, so nothing is copied.",
        "A copy costs time for every byte, and needs memory for all of it.",
        f"{_PAIRED} That the memory is shared is found out by addresses.",
        "Use the code shown, if neither side is changed while the other is in use.",
        "A change to one is seen in the other, and both keep the memory alive.",
    ),
    Code(
        "FB002",
        "same promise",
        "Do the same in a faster way",
        "Another function gives what the usual one gives, in less time.",
        "Nothing else has to change.",
        f"{_PAIRED} Both results pass the same check, and both belong to one group.",
        "Replace the call by the code shown.",
        "The result is the same as far as the scenario's check can tell.",
    ),
    Code(
        "FB003",
        "another promise",
        "Ask for something else that is faster",
        "A strategy of another group is faster, because it is asked for something else: to write "
        "into memory you keep, for example, or to give a part at a time.",
        "What a program asks for is often more than it needs.",
        _PAIRED,
        "See whether its condition holds for you, and use the code shown if it does.",
        "It is only an answer where its condition holds.",
    ),
    Code(
        "FB004",
        "environment",
        "Set an environment variable",
        "The usual function is faster in a process that is started with this variable.",
        "The code stays as it is.",
        f"{_PAIRED} The processes differ in the variable alone.",
        "Set the variable where the program is started.",
        "It holds for the whole program, and for all that it starts.",
    ),
    Code(
        "FB005",
        "less memory",
        "Do the same with less memory",
        "Another function gives what the usual one gives, with less extra memory at the peak.",
        "The peak decides whether a program fits, and how many fit beside each other.",
        _ONE_READING,
        "Replace the call by the code shown.",
        "It may take longer: see its time beside that of the usual way.",
    ),
    Code(
        "FB006",
        "smaller tree",
        "Let worker processes hold less",
        "With the data kept in another form, all processes together grow less.",
        "Workers that touch an object copy the page it lies in, so that each holds its own data.",
        "By the proportional set size of all processes, which counts shared pages once, sampled "
        "through an epoch in one process tree.",
        "Keep the data in the form that the code shown makes.",
        "Samples may no longer be objects of their own.",
    ),
    Code(
        "FB007",
        "larger data",
        "Fit larger data into the same memory",
        "Another function survives with more data under the same limit.",
        "What does not fit does not run at all.",
        "By searching for the largest size that survives a limit which the kernel enforces, each "
        "size in a process of its own.",
        "Replace the call by the code shown.",
        "It may take longer: that is not weighed here.",
    ),
)
