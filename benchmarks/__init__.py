"""How fast it is, measured on the machine at hand: real processes, real databases, loopback only. docs/benchmarks.md"""
