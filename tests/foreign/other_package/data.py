"""Ordinary data modules with ordinary loaders."""

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset


def pictures(n: int, seed: int) -> TensorDataset:
    """Returns pictures [3, 16, 16] whose class shows in their brightness."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(5, (n,), generator=generator)
    images = torch.randn(n, 3, 16, 16, generator=generator) * 0.3 + targets[:, None, None, None] / 2
    return TensorDataset(images, targets)


class Noisy(Dataset):
    """Adds noise to each picture when it is read."""

    def __init__(self, dataset: TensorDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: int) -> tuple:
        image, target = self.dataset[place]
        return image + 0.1 * torch.randn_like(image), target


class Pictures(LightningDataModule):
    """Shuffled and noisy to train on, by a lasting process if asked; two loaders to validate on if asked."""

    def __init__(self, batch_size: int = 8, val_loaders: int = 1, persistent: bool = False) -> None:
        super().__init__()
        self.workers = {"num_workers": 1, "persistent_workers": True} if persistent else {}
        self.batch_size = batch_size
        self.val_loaders = val_loaders

    def setup(self, stage: str) -> None:
        self.train, self.val, self.test = Noisy(pictures(40, 0)), pictures(16, 1), pictures(24, 2)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, **self.workers)

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        loaders = [DataLoader(self.val, batch_size=8) for _ in range(self.val_loaders)]
        return loaders if self.val_loaders > 1 else loaders[0]

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.test, batch_size=8)

    def predict_dataloader(self) -> DataLoader:
        return DataLoader(self.test, batch_size=8)


class Stream(IterableDataset):
    """Pictures without a length."""

    def __iter__(self):
        yield from pictures(24, 0)


class StreamedPictures(LightningDataModule):
    """A stream to train on, and nothing else."""

    def train_dataloader(self) -> DataLoader:
        return DataLoader(Stream(), batch_size=8)


class SeveralLoaders(Pictures):
    """Two training loaders by name, and two loaders each to test and to predict."""

    def train_dataloader(self) -> dict[str, DataLoader]:
        return {"first": super().train_dataloader(), "second": super().train_dataloader()}

    def test_dataloader(self) -> list[DataLoader]:
        return [super(SeveralLoaders, self).test_dataloader() for _ in range(2)]

    def predict_dataloader(self) -> list[DataLoader]:
        return self.test_dataloader()
