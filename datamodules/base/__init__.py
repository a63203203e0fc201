"""What every data set derives from: data module, loaders, splits and a cache of decoded data."""
