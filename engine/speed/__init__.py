"""What replaces parts of Lightning's own loop, and of the allocator, to make a step faster."""
