"""`python -m gatewayload`, where the console script is not on the path."""

import sys

from gatewayload.program import main

if __name__ == "__main__":  # generator processes import this module too
    sys.exit(main())
