"""What stands between the command line and Lightning: arguments, run folders, resume, weights, precision."""
