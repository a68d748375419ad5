"""Augmented: each sample, seen as an image, is flipped or not and rotated by up to 15 degrees.

The number of its row comes along, which tells the check what became of which.
"""

import math
from functools import partial

import numpy as np
import torch

from harness.scenario import MIB

from .costs import loader_needs, needs
from .gathering import rows_by_batch
from .in_order import PublishedRows, forked_anew
from .loaders import MappedRows, loader
from .points import ARTICLE, all_but, no_such_image, no_such_loader, strategy
from .samples import as_input

augmented = partial(strategy, group="augmented", skip=no_such_image, at={"size": 2 * MIB})


def sides(values):
    """Height and width of the image that is closest to a square."""
    height = next(side for side in range(math.isqrt(values), 0, -1) if values % side == 0)
    return height, values // height


def angles_and_flips(count):
    """Of each row; the seed would be another one for every epoch."""
    random = np.random.default_rng(0)
    angles, flips = random.uniform(-15, 15, count), random.random(count) < 0.5
    return torch.from_numpy(angles).float(), torch.from_numpy(flips)


def turned(images, degrees):
    """Images (n, 1, height, width), each rotated about its middle; zeros come in from outside."""
    height, width = images.shape[-2:]
    cosine, sine = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    none = torch.zeros_like(cosine)
    rows = [cosine, -sine * height / width, none, sine * width / height, cosine, none]
    grid = torch.nn.functional.affine_grid(
        torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False
    )
    return torch.nn.functional.grid_sample(images, grid, align_corners=False)


class AugmentedRows(MappedRows):
    def __init__(self, path, labels):
        super().__init__(path, labels)
        self.angles, self.flips = angles_and_flips(len(labels))
        self.sides = sides(self.data[0].size)

    def __getitem__(self, index):
        sample, label = super().__getitem__(index)
        image = sample.view(1, 1, *self.sides)
        image = image.flip(-1) if self.flips[index] else image
        return turned(image, self.angles[index : index + 1])[0], label, index


def no_such_image_loader(dtype, num_workers, start_method, **point):
    return no_such_image(dtype=dtype, **point) or no_such_loader(
        num_workers, start_method, dtype=dtype, **point
    )


@augmented(
    copies=loader_needs(batches=4), skip=no_such_image_loader, not_quick=all_but("num_workers")
)
def augment_per_sample(path, labels, batch_size, num_workers, start_method):
    """Flips and rotates sample by sample, in the Dataset: work that workers can share."""
    return loader(AugmentedRows(path, labels), batch_size, "shuffled", num_workers, start_method)


class RoundTrip(AugmentedRows):
    def __getitem__(self, index):
        image, label, row = super().__getitem__(index)
        return torch.from_numpy(image.numpy()), label, row


@augmented(copies=loader_needs(batches=4), skip=no_such_image_loader, in_quick=False)
def augment_round_trip(path, labels, batch_size, num_workers, start_method):
    """The same, by way of an array and back, which share their memory."""
    return loader(RoundTrip(path, labels), batch_size, "shuffled", num_workers, start_method)


@augmented(copies=needs(temporaries=10))
def augment_per_batch(path, labels, batch_size):
    """Gathers a batch, and flips and rotates all of it at once."""
    data = np.load(path, mmap_mode="r")
    angles, flips = angles_and_flips(len(labels))
    for rows in rows_by_batch(labels, batch_size, "shuffled"):
        images = as_input(data[rows]).view(-1, 1, *sides(data[0].size))
        flipped = torch.where(flips[rows].view(-1, 1, 1, 1), images.flip(-1), images)
        x = turned(flipped, angles[rows])
        yield x, torch.from_numpy(labels[rows]), torch.from_numpy(rows)


class PublishedAugmented(PublishedRows):
    def __init__(self, data, labels):
        from torchvision import transforms

        super().__init__(data, labels)
        self.transform = transforms.Compose(
            [transforms.RandomHorizontalFlip(p=0.5), transforms.RandomRotation(degrees=15)]
        )

    def __getitem__(self, index):
        image = self.transform(torch.from_numpy(self.data[index])).numpy()
        return torch.from_numpy(image), self.labels[index]


@augmented(
    copies=loader_needs(batches=3),
    at={"size": 2 * MIB, "num_workers": 2},
    requires=("torchvision",),
    published=ARTICLE,
)
def augment_published(path, labels, batch_size, num_workers):
    """Has torchvision flip and rotate each sample, to an array and back for nothing."""
    data = np.load(path, mmap_mode="r")
    images = data.reshape(-1, 1, *sides(data[0].size))
    dataset = PublishedAugmented(images, labels)
    return forked_anew(dataset, batch_size, num_workers)
