"""The command and the trainer: arguments, run folders, resume, weights and tracking, on top of Lightning."""
