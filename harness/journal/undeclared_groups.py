"""What groups meant in journals that were written before scenarios declared it themselves.

The tables are complete and stay as they are: a new scenario brings its own.
"""

from __future__ import annotations

from dataclasses import replace

from harness.schema.description import ScenarioInfo

_MEANINGS = {
    "share": "if the memory may be shared",
    "copy": "if you need your own copy",
    "reuse": "if the data may go into memory you keep",
    "chunks": "if a part at a time will do",
    "kept chunks": "if the data comes in parts, and all are kept",
    "list": "if the data is a list of arrays",
    "layout": "if the layout must change",
    "cast": "if the dtype must change",
    "shared memory": "if other processes must see it",
    "bfloat16": "if the tensor is bfloat16",
    "per sample": "if samples are read one by one",
    "per batch": "if a dataset reads a whole batch at once",
    "no DataLoader": "if you need no DataLoader",
    "one order": "if one order will do for every epoch",
    "reused batch": "if each batch may overwrite the one before",
    "arrays": "if you need everything in arrays",
    "files": "if the arrays may end in files",
    "bypass": "if the loader's own data can be reached",
    "device": "if batches lie on an accelerator",
    "channels first": "if channels must come first in memory",
    "channels last": "if channels may come last in memory",
    "batches": "if the result may come in batches",
    "epochs": "if every epoch goes over the images",
    "labels": "if labels come with the samples",
    "many objects": "if every sample is to be an object of its own",
    "one block": "if all samples may lie in one block of memory",
    "a file": "if the samples may stay in a file",
    "shuffled": "if any sample may come next",
    "in order": "if samples may come in the file's order",
    "nearly shuffled": "if neighbours in the file may stay near each other",
    "augmented": "if every sample is to be flipped and rotated",
    "pageable": "if the data lies in ordinary memory",
    "pinned": "if the data lies in pinned memory already",
    "many small": "if the data is many small tensors",
    "from a file": "if the data lies in a mapped file",
    "kept there": "if all of the data fits on the device",
    "pin": "if memory is only to be pinned",
    "new": "if the result needs memory of its own",
    "kept": "if the result may go into memory you keep",
    "busy device": "if the device has other work to do first",
    "tensor_from_array": "to make a tensor of an array",
    "array_from_loader": "to collect a loader's batches in an array",
    "memmap_training": "to train from a file",
}
_POSSIBLE = {
    "tensor_from_array": "a tensor can be made of an array",
    "array_from_loader": "the batches of a loader can be collected in an array",
    "memmap_training": "a file can be trained from",
}


def with_groups(info: ScenarioInfo) -> ScenarioInfo:
    """A scenario of a journal that says nothing of the meaning of its groups, with it."""
    used = dict.fromkeys(strategy.group for strategy in info.strategies)
    return replace(
        info,
        groups={group: _MEANINGS[group] for group in used if group in _MEANINGS},
        possible={group: _POSSIBLE[group] for group in used if group in _POSSIBLE},
    )
