"""Huffman's tree over a vocabulary, in which frequent words have short ways from the root.

David Huffman, "A Method for the Construction of Minimum-Redundancy Codes", 1952.
"""

import heapq
from typing import NamedTuple

import torch
from torch import Tensor


class Ways(NamedTuple):
    """The way from the root to each word.

    Attributes:
        nodes: Inner nodes from the root on, int64 [V, L]; 0 behind the end.
        signs: 1 where the way goes left, -1 where it goes right, 0 behind the end; float32 [V, L].
    """

    nodes: Tensor
    signs: Tensor

    def of(self, words: Tensor) -> "Ways":
        """Returns the ways to some words [N], as long as the longest of them."""
        signs = self.signs[words]
        longest = int((signs != 0).sum(1).max()) if len(words) else 1
        return Ways(self.nodes[words, :longest], signs[:, :longest])

    def to(self, device: torch.device) -> "Ways":
        """Returns the ways on a device."""
        return Ways(self.nodes.to(device), self.signs.to(device))


def huffman_ways(counts: Tensor) -> Ways:
    """Builds the tree of words that occur so often, [V], at least two, and returns the ways in it."""
    size = len(counts)
    heap = [(count, word) for word, count in enumerate(counts.tolist())]
    heapq.heapify(heap)
    parents, turns = [0] * (2 * size - 1), [0] * (2 * size - 1)
    for node in range(size, 2 * size - 1):
        first, left = heapq.heappop(heap)
        second, right = heapq.heappop(heap)
        parents[left] = parents[right] = node
        turns[left], turns[right] = 1, -1
        heapq.heappush(heap, (first + second, node))
    root, ways = 2 * size - 2, []
    for word in range(size):
        way, place = [], word
        while place != root:
            way.append((parents[place] - size, turns[place]))
            place = parents[place]
        ways.append(way[::-1])
    longest = max(map(len, ways))
    nodes, signs = torch.zeros(size, longest, dtype=torch.int64), torch.zeros(size, longest)
    for word, way in enumerate(ways):
        nodes[word, : len(way)] = torch.tensor([node for node, _ in way])
        signs[word, : len(way)] = torch.tensor([float(turn) for _, turn in way])
    return Ways(nodes, signs)
