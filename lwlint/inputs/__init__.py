"""The kinds of input, a package for each: text -> effective model -> facts."""
