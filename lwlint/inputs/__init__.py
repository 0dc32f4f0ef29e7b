"""One package for each kind of input: text becomes an effective model, and the model becomes facts."""
