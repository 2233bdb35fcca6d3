"""`python -m paymentgateway.payctl`, where the console script is not on the path."""

import sys

from paymentgateway.payctl import main

sys.exit(main())
