"""Noise words, drawn by their frequency in constant time each.

Alastair Walker, "An Efficient Method for Generating Discrete Random Variables with General Distributions", 1977; the
construction is Michael Vose's, 1991.
"""

import torch
from torch import Tensor

POWER = 0.75  # of the counts, as in Mikolov et al., 2013, where they are those of the whole text


class NoiseWords:
    """A table of pairs of words: each place is drawn equally often, and gives one of its two words.

    Args:
        counts: How often each word occurs, [V]. `WordVectors` gives those of an epoch, without what is left out of it.
    """

    def __init__(self, counts: Tensor) -> None:
        powers = counts.double() ** POWER
        shares = (powers * len(powers) / powers.sum()).tolist()
        first, other = [1.0] * len(shares), list(range(len(shares)))
        small = [word for word, share in enumerate(shares) if share < 1]
        large = [word for word, share in enumerate(shares) if share >= 1]
        while small and large:
            word, rich = small.pop(), large[-1]
            first[word], other[word] = shares[word], rich
            shares[rich] -= 1 - shares[word]
            if shares[rich] < 1:
                small.append(large.pop())
        self.first = torch.tensor(first)  # probability of a place to give the word of its number, [V]
        self.other = torch.tensor(other)  # the word that it gives else, [V]

    def draw(self, blocks: int, shared: int, device: torch.device) -> Tensor:
        """Returns words, int64 [blocks, shared], with torch's own random numbers."""
        if self.first.device != device:
            self.first, self.other = self.first.to(device), self.other.to(device)
        places = torch.randint(len(self.first), (blocks * shared,), device=device)
        keeps = torch.rand(blocks * shared, device=device) < self.first.index_select(0, places)
        return torch.where(keeps, places, self.other.index_select(0, places)).view(blocks, shared)
