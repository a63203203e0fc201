"""Documents cut into short pieces, each of which a network reads on its own.

Rie Johnson and Tong Zhang, "Supervised and Semi-Supervised Text Categorization using LSTM for Region Embeddings", 2016,
arXiv:1602.02373.
"""

import torch
from torch import Tensor


def cut(tokens: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cuts documents into segments; the last one of a document can be shorter, those behind its end are empty.

    Args:
        tokens: int64 [B, M].
        lengths: Number of tokens of each document, int64 [B].
        size: Tokens S of a segment.

    Returns:
        Tokens of the segments, [B, G, S], and their lengths, int64 [B, G], with G = M / S, rounded up; one more while
        the network is exported.
    """
    width = tokens.shape[1]
    segments = (width + size - 1) // size
    if torch.compiler.is_exporting():
        segments = segments + 1  # an empty one: a file would otherwise be for documents of one segment, or of more
    places = torch.arange(segments * size, device=tokens.device).clamp(max=width - 1)  # beyond: any symbol, not read
    starts = torch.arange(segments, device=tokens.device) * size
    return tokens[:, places].unflatten(1, (segments, size)), (lengths[:, None] - starts).clamp(0, size)


def some_segments(segments: Tensor, lengths: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
    """Draws some segments of each document, equally many for all documents of a batch as far as they have so many.

    Args:
        segments: Tokens [B, G, S].
        lengths: int64 [B, G], 0 for empty segments, which are drawn only where a document has no others left.
        dropout: Part of the G segments that is left out; one segment stays at least.

    Returns:
        Tokens [B, K, S] and lengths [B, K] of the drawn ones.
    """
    number = max(1, round((1 - dropout) * segments.shape[1]))
    order = torch.rand(lengths.shape, device=lengths.device).masked_fill(lengths == 0, -1)
    drawn = order.topk(number, dim=1).indices  # [B, K]
    return segments.gather(1, drawn[..., None].expand(-1, -1, segments.shape[2])), lengths.gather(1, drawn)
