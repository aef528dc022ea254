"""Render a device dictionary as lava-server does for a job.

Usage: render-device.py FOLDER[:FOLDER...] NAME CONTEXT

The FOLDERs hold templates. NAME is a file in one of them. CONTEXT is the job's `context` as a JSON object.
"""

import json
import sys

from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

folders, name, context = sys.argv[1:]
environment = SandboxedEnvironment(loader=FileSystemLoader(folders.split(":")), autoescape=False, trim_blocks=True)
print(environment.get_template(name).render(**json.loads(context)))
