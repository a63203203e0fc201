"""What every data set derives from: the data module, its loaders, splitting and the cache of decoded data."""
