"""`python -m lwlint`."""

import sys

from lwlint.cli import main

sys.exit(main())
