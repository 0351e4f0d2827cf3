"""Media: the sound of calls, frame by frame of 20 ms."""
