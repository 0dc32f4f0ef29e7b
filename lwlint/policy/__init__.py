"""What the user wants: rules, settings, exceptions, the baseline, and the compiled form of the rules."""
