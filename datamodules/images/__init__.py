"""Images: decoding, augmentation, streaming from disk, the loader, and synthetic pictures."""
