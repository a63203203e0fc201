"""What the NaN guard needs when a run diverges: the state to restore, and a replay of the step that failed."""
