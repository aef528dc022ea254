"""Check devices and jobs against LAVA's own schemas.

Usage: check-definitions.py FILE...

A FILE whose name begins with `device` is a rendered device; any other is a job. Prints each error and exits with 1 if
there is one.
"""

import os
import sys

import yaml
from lava_common.schemas import device, validate
from voluptuous import Invalid

wrong = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        definition = yaml.safe_load(file)
    try:
        (device.validate if os.path.basename(path).startswith("device") else validate)(definition)
    except Invalid as error:
        wrong = 1
        print(f"{path}: {'/'.join(str(step) for step in error.path)}: {error.msg}")
sys.exit(wrong)
