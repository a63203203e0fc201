"""Images: decoding, augmentation, streaming from disk, loader, and synthetic pictures."""
