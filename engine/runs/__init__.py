"""Run folders: made, checked, continued and tracked, with checkpoints that are whole and hold no code."""
