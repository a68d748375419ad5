"""From images of bytes to normalised float32 tensors: (value / 255 - mean) / std, channels first.

A batch of images is an array (images, height, width, channels) of uint8, as decoders make it. What
training wants is (images, channels, height, width) of float32, which is four times the bytes.
"""

import os
import shutil
from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario import KIB, MIB
from harness.scenario.checks import close_values

MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
"""Of the channels over ImageNet, in a shape that broadcasts over (channels, height, width)."""

scenario = Scenario(
    "preprocess",
    question="What does it cost to make normalised float32 tensors from uint8 images?",
    baseline="per_sample_loop",
    order=30,
    groups={
        "channels first": "if channels must come first in memory",
        "channels last": "if channels may come last in memory",
        "batches": "if the result may come in batches",
        "epochs": "if every epoch goes over the images",
        "device": "if batches lie on an accelerator",
    },
    parameters={
        "size": Parameter(
            16 * MIB,
            quick=(256 * KIB, 2 * MIB),
            usual=tuple(64 * KIB * 4**step for step in range(6)),
            full=tuple(64 * KIB * 4**step for step in range(7)),
            axis=True,
            doc="bytes of the images; the result has four times as many",
        ),
        "side": Parameter(
            64,
            usual=(28, 64, 224),
            full=(28, 64, 128, 224),
            doc="width of an image, which is three quarters as high",
        ),
        "batch_size": Parameter(32, usual=(8, 32, 256), full=(1, 8, 32, 256)),
        "epochs": Parameter(
            2, usual=(1, 2, 8), full=(1, 2, 4, 8), doc="how often all images are requested"
        ),
        "threads": Parameter(1, usual=(1, "all"), full=(1, "all"), doc="threads torch may use"),
        "compiled": Parameter(
            False,
            choices=(False, True),
            usual=(False, True),
            full=(False, True),
            doc="fuse the steps of torch_expression with torch.compile",
        ),
    },
)


def image_bytes(side):
    return side * 3 // 4 * side * 3


def image_count(size, side):
    return max(2, size // image_bytes(side))


@scenario.inputs
def images(size, side, rng):
    shape = image_count(size, side), side * 3 // 4, side, 3
    return rng.integers(0, 256, shape, dtype=np.uint8), MEAN, STD


def batch(size, side, batch_size):
    """What a batch of bytes weighs, as a multiple of all images."""
    return min(1, batch_size / image_count(size, side))


def no_such_images(size, side, batch_size, epochs):
    if side < 2:
        return f"an image {side} wide has no height"
    if batch_size < 1 or epochs < 1:
        return f"{epochs} epochs of batches of {batch_size} images hold nothing"
    if size < image_bytes(side):
        return f"an image of {image_bytes(side)} B does not fit into {size} B of data"
    return None


# One by one: what a transform made for single images costs when it is called in a loop.

strategy = partial(scenario.strategy, shares_memory=False, skip=no_such_images)
nchw = partial(strategy, group="channels first")


def normalised(image, mean, std):
    """An image, channels last, treated as torchvision's ToTensor and Normalize treat it."""
    scaled = torch.from_numpy(image).permute(2, 0, 1).contiguous().float().div(255)
    return scaled.clone().sub_(torch.from_numpy(mean)).div_(torch.from_numpy(std))


@nchw(copies=4)
def per_sample_loop(images, mean, std):
    """Transforms image by image, as torchvision does, into an array made for the result."""
    count, height, width, channels = images.shape
    result = np.empty((count, channels, height, width), np.float32)
    for index, image in enumerate(images):
        result[index] = normalised(image, mean, std).numpy()
    return torch.from_numpy(result)


@nchw(copies=4, requires=("torchvision",))
def torchvision_loop(images, mean, std):
    """The same loop with torchvision's own transform, given images as it expects them."""
    from torchvision import transforms

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(mean.ravel().tolist(), std.ravel().tolist())]
    )
    count, height, width, channels = images.shape
    result = np.empty((count, channels, height, width), np.float32)
    for index, image in enumerate(images):
        result[index] = transform(image).numpy()
    return torch.from_numpy(result)


ARTICLE = "How can a large NumPy array be efficiently converted to a PyTorch DataLoader?"


def channels_first(images, mean, std):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


@nchw(copies=4, setup=channels_first, published=ARTICLE)
def published_loop(images, mean, std, planes):
    """Gives channels-first images to a transform that takes the last axis for the channels."""
    result = np.zeros_like(planes, dtype=np.float32)
    for index in range(planes.shape[0]):
        result[index] = normalised(planes[index], mean, std).numpy()
    return torch.from_numpy(result)


@nchw(copies=4, setup=channels_first, requires=("torchvision",), published=ARTICLE)
def published_torchvision_loop(images, mean, std, planes):
    """The same with torchvision's own transform."""
    from torchvision import transforms

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(mean.ravel().tolist(), std.ravel().tolist())]
    )
    result = np.zeros_like(planes, dtype=np.float32)
    for index in range(planes.shape[0]):
        result[index] = transform(planes[index]).numpy()
    return torch.from_numpy(result)


# All at once with NumPy. The cast puts the channels first: order="C" has it write them so.


@nchw(copies=16)
def numpy_named_steps(images, mean, std):
    """Gives every step a name, which keeps every step alive to the end."""
    floats = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    scaled = floats / 255
    centred = scaled - mean
    result = centred / std
    return torch.from_numpy(result)


@nchw(copies=8)
def numpy_expression(images, mean, std):
    """Out of place, but without names: an intermediate is freed as soon as it was used."""
    planes = images.transpose(0, 3, 1, 2)
    return torch.from_numpy((planes.astype(np.float32, order="C") / 255 - mean) / std)


@nchw(copies=17)
def numpy_float64(images, mean, std):
    """What dividing bytes by 255.0 gives: float64 all the way, and a cast at the end."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.from_numpy(((planes / 255.0 - mean) / std).astype(np.float32))


@nchw(copies=4)
def numpy_in_place(images, mean, std):
    """One array of floats, which every step changes in place."""
    floats = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    np.divide(floats, 255, out=floats)
    np.subtract(floats, mean, out=floats)
    np.divide(floats, std, out=floats)
    return torch.from_numpy(floats)


@nchw(copies=4)
def numpy_fused(images, mean, std):
    """In place with two steps instead of three: value * scale + shift."""
    floats = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    floats *= 1 / (255 * std)
    floats -= mean / std
    return torch.from_numpy(floats)


@nchw(copies=4)
def numpy_chunked(images, mean, std):
    """The fused steps for as many images at a time as fit the second-level cache as floats."""
    count, height, width, channels = images.shape
    result = np.empty((count, channels, height, width), np.float32)
    scale, shift = 1 / (255 * std), mean / std
    step = max(1, 2**19 // (4 * images[0].size))
    for start in range(0, count, step):
        part = result[start : start + step]
        part[...] = images[start : start + step].transpose(0, 3, 1, 2)
        part *= scale
        part -= shift
    return torch.from_numpy(result)


@nchw(copies=4 + 4 / 3)
def numpy_lookup_table(images, mean, std):
    """Calculates for each of the 256 possible values only, and looks them up."""
    count, height, width, channels = images.shape
    result = np.empty((count, channels, height, width), np.float32)
    table = (np.arange(256, dtype=np.float32) / 255 - mean.reshape(3, 1)) / std.reshape(3, 1)
    for channel in range(channels):
        result[:, channel] = table[channel][images[..., channel]]
    return torch.from_numpy(result)


# All at once with torch.


def normalised_together(images, mean, std):
    """Images, channels last, as one expression, channels first."""
    planes = images.permute(0, 3, 1, 2)
    return (planes.to(torch.float32, memory_format=torch.contiguous_format) / 255 - mean) / std


def normalised_in_place(images, mean, std):
    """The same in one tensor of floats, which every step changes in place."""
    planes = images.permute(0, 3, 1, 2)
    floats = planes.to(torch.float32, memory_format=torch.contiguous_format)
    return floats.div_(255).sub_(mean).div_(std)


def eager_or_compiled(images, mean, std, compiled):
    # dynamic: compiled for any number of images, so that the warm-up call does for all.
    return torch.compile(normalised_together, dynamic=True) if compiled else normalised_together


def no_compiler(size, side, batch_size, epochs, compiled):
    compiler = os.environ.get("CXX", "g++")
    if compiled and shutil.which(compiler) is None:
        return f"torch.compile finds no C++ compiler {compiler!r}: install g++, or set CXX"
    return no_such_images(size, side, batch_size, epochs)


def expression(compiled):
    return 4 if compiled else 8


@nchw(copies=expression, setup=eager_or_compiled, skip=no_compiler)
def torch_expression(images, mean, std, function):
    """Out of place, step by step, or in one pass where compiled: by the warm-up call."""
    return function(torch.from_numpy(images), torch.from_numpy(mean), torch.from_numpy(std))


@nchw(copies=4)
def torch_in_place(images, mean, std):
    """One tensor of floats, which every step changes in place."""
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    floats = planes.to(torch.float32, memory_format=torch.contiguous_format)
    return floats.div_(255).sub_(torch.from_numpy(mean)).div_(torch.from_numpy(std))


@nchw(copies=4)
def torch_fused(images, mean, std):
    """Shifts and scales in one pass over the floats, in place."""
    scale, shift = torch.from_numpy(1 / (255 * std)), torch.from_numpy(-mean / std)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    floats = planes.to(torch.float32, memory_format=torch.contiguous_format)
    return torch.addcmul(shift, floats, scale, out=floats)


@nchw(copies=4)
def torch_chunked(images, mean, std):
    """The fused pass for as many images at a time as fit the second-level cache as floats."""
    count, height, width, channels = images.shape
    result = torch.empty(count, channels, height, width)
    scale, shift = torch.from_numpy(1 / (255 * std)), torch.from_numpy(-mean / std)
    step = max(1, 2**19 // (4 * images[0].size))
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    for source, part in zip(planes.split(step), result.split(step), strict=True):
        part.copy_(source)
        torch.addcmul(shift, part, scale, out=part)
    return result


@nchw(copies=8)
def torch_permuted_copy(images, mean, std):
    """Normalises with the channels last, then copies four times the bytes to put them first."""
    mean, std = torch.from_numpy(mean.ravel()), torch.from_numpy(std.ravel())
    floats = torch.from_numpy(images).float().div_(255).sub_(mean).div_(std)
    return floats.permute(0, 3, 1, 2).contiguous()


# Channels last: the same values and shape by a permuted view, with the strides of the bytes.

nhwc = partial(strategy, group="channels last")


@nhwc(copies=4)
def numpy_permuted_view(images, mean, std):
    """Leaves the floats in the order of the bytes: nothing is moved, loops are three long."""
    floats = images.astype(np.float32)
    floats /= 255
    floats -= mean.ravel()
    floats /= std.ravel()
    return torch.from_numpy(floats).permute(0, 3, 1, 2)


@nhwc(copies=4)
def torch_permuted_view(images, mean, std):
    """The same with torch."""
    mean, std = torch.from_numpy(mean.ravel()), torch.from_numpy(std.ravel())
    floats = torch.from_numpy(images).float().div_(255).sub_(mean).div_(std)
    return floats.permute(0, 3, 1, 2)


# Batches: the result comes as a list of them, all of which are kept. Loaders go through the array,
# not through a tensor of it: a tensor object for every image leaves glibc's heap in pieces, and the
# same memory is then asked for once or twice, by luck of the process's addresses.

batches = partial(strategy, group="batches")


@batches(copies=4)
def slices_cast_late(images, mean, std, batch_size):
    """Cuts the bytes into batches without a loader, and casts each."""
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)
    slices = torch.from_numpy(images).split(batch_size)
    return [normalised_in_place(batch, mean, std) for batch in slices]


@batches(copies=lambda size, side, batch_size: 4 + 2 * batch(size, side, batch_size))
def loader_cast_late(images, mean, std, batch_size):
    """A loader ships batches of bytes, which are cast where they arrive."""
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)
    loader = torch.utils.data.DataLoader(images, batch_size, collate_fn=np.stack)
    return [normalised_in_place(torch.from_numpy(batch), mean, std) for batch in loader]


@batches(copies=lambda size, side, batch_size: 4 + batch(size, side, batch_size))
def collate_casts(images, mean, std, batch_size):
    """The loader's collate_fn stacks bytes and casts the batch, once for all of its images."""
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)

    def collate(samples):
        return normalised_in_place(torch.from_numpy(np.stack(samples)), mean, std)

    return list(torch.utils.data.DataLoader(images, batch_size, collate_fn=collate))


# Epochs: whether to keep the floats. Each batch is used once, for its mean brightness, and dropped.

epochs = partial(strategy, group="epochs", work="read")


@epochs(copies=4)
def preprocessed_once(images, mean, std, batch_size, epochs):
    """Normalises everything beforehand, in four times the memory; epochs take slices."""
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)
    floats = normalised_in_place(torch.from_numpy(images), mean, std)
    used = torch.empty(floats.shape[:2])
    for _ in range(epochs):
        for batch, means in zip(floats.split(batch_size), used.split(batch_size), strict=True):
            torch.mean(batch, dim=(2, 3), out=means)
    return used


@epochs(copies=lambda size, side, batch_size: 4 * batch(size, side, batch_size))
def preprocessed_on_the_fly(images, mean, std, batch_size, epochs):
    """Keeps only the bytes; every epoch casts every batch again, into one buffer."""
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    buffer = torch.empty(batch_size, *planes.shape[1:])
    used = torch.empty(planes.shape[:2])
    for _ in range(epochs):
        for batch, means in zip(planes.split(batch_size), used.split(batch_size), strict=True):
            floats = buffer[: len(batch)].copy_(batch).div_(255).sub_(mean).div_(std)
            torch.mean(floats, dim=(2, 3), out=means)
    return used


# Device: batches on an accelerator, which may do the casting.


device = partial(strategy, group="device", on_device=True)


@device(copies=0)
def cast_on_device(images, mean, std, batch_size):
    """Ships bytes to the device, which casts them: a quarter of the traffic."""
    accelerator = torch.accelerator.current_accelerator()
    mean, std = torch.from_numpy(mean).to(accelerator), torch.from_numpy(std).to(accelerator)
    slices = torch.from_numpy(images).split(batch_size)
    result = [normalised_in_place(batch.to(accelerator), mean, std) for batch in slices]
    torch.accelerator.synchronize()
    return result


@device(copies=lambda size, side, batch_size: 8 * batch(size, side, batch_size))
def cast_before_device(images, mean, std, batch_size):
    """Casts on the host and ships floats."""
    accelerator = torch.accelerator.current_accelerator()
    mean, std = torch.from_numpy(mean), torch.from_numpy(std)
    slices = torch.from_numpy(images).split(batch_size)
    result = [normalised_in_place(batch, mean, std).to(accelerator) for batch in slices]
    torch.accelerator.synchronize()
    return result


# Results reach 2.7 in size, where float32 has steps of 2.4e-7. Scaling and shifting each add their
# rounding, of values divided by a std of 0.22: at most about 1.2e-6 in all, whatever the order.
# Neighbouring values of a byte lie 1.7e-2 apart, so that no wrong value is within tolerance.
TOLERANCE = 2e-6


@scenario.check
def every_image_in_order(images, mean, std, result, group):
    if group == "epochs":
        same_means(images, mean, std, result)
        return
    parts = result if isinstance(result, list) else [result]
    start = 0
    for number, part in enumerate(parts):
        where = f"batch {number}: " if isinstance(result, list) else ""
        assert isinstance(part, torch.Tensor), f"{where}a {type(part).__name__}, expected a tensor"
        expected = images[start : start + len(part)]
        assert len(part) == len(expected), f"{where}more than the {len(images)} images there are"
        try:
            close_images(expected, mean, std, part, start)
        except AssertionError as error:
            raise AssertionError(f"{where}{error}") from error
        if group == "channels first":
            assert part.is_contiguous(), f"strides {part.stride()}, expected channels first"
        start += len(part)
    assert start == len(images), f"{start} images, expected {len(images)}"


def close_images(images, mean, std, result, start):
    count, height, width, channels = images.shape
    shape = (count, channels, height, width)
    assert result.shape == shape, f"shape {tuple(result.shape)}, expected {shape}"
    step = max(1, MIB // images[0].size)
    for at in range(0, count, step):
        close_values(
            reference(images[at : at + step], mean, std),
            result[at : at + step].cpu(),
            tolerance=TOLERANCE,
            dtype="float32",
            first=start + at,
        )


def reference(images, mean, std):
    """In float64, by another way than any strategy's: each channel with numbers, not arrays."""
    planes = images.transpose(0, 3, 1, 2).astype(np.float64, order="C")
    for channel in range(planes.shape[1]):
        planes[:, channel] /= 255 * float(std[channel, 0, 0])
        planes[:, channel] -= float(mean[channel, 0, 0]) / float(std[channel, 0, 0])
    return planes


def same_means(images, mean, std, result):
    shape = (len(images), images.shape[-1])
    assert result.shape == shape, f"shape {tuple(result.shape)}, expected {shape}"
    step = max(1, MIB // images[0].size)
    for at in range(0, len(images), step):
        close_values(
            reference(images[at : at + step], mean, std).mean(axis=(2, 3)),
            result[at : at + step],
            tolerance=TOLERANCE,
            dtype="float32",
            first=at,
        )
