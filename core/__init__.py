"""What every room stands on, from errors to atomic files; nothing in it imports another room."""
