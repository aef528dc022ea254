#!/usr/bin/env node
/** The `fauxboot` command as a process. */

import { run } from './command-line.js'
import { runProcess } from './run-process.js'

await runProcess(run)
