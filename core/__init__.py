"""What all other packages use, from errors to atomic files; it imports none of them."""
