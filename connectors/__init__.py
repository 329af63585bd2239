"""One folder per foreign system, both directions in it. Imports packets; knows no policy and no gateway."""
