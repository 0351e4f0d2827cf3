"""Reports: a center's figures and its agents' day as one page: data in, HTML out, no I/O."""
