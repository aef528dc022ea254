#!/usr/bin/env node
/** The process around the `fauxboot` command: signals in, exit code out. */

import { run } from './command-line.js'
import { Interruption } from './terminal.js'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The first one lets the command clean up, a board included; the second one is for a person out of patience.
    if (stop.signal.aborted) process.exit(new Interruption(signal).exitCode)
    stop.abort(new Interruption(signal))
  })
}
const { stdin, stdout, stderr, env } = process
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal })
