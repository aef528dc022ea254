/**
 * Print the skipped tests of one or more TAP files with their reasons, and the totals as the last line, in the form
 * `N passed, N failed, N skipped`. tap-tree.mjs says what counts as a test.
 *
 * Usage: node test/tally.mjs FILE.tap ...
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { nameOf, readTests, totals } from './tap-tree.mjs'

const { tests } = readTests()
for (const file of process.argv.slice(2)) await pipeline(createReadStream(file), readTests(tests).parser)
for (const skipped of tests.skipped) console.log(`skipped: ${nameOf(skipped)}: ${skipped.reason}`)
console.log(totals(tests))
