/**
 * Print the totals of one or more TAP files in the form `N passed, N failed, N skipped`. tap-tree.mjs says what counts as
 * a test.
 *
 * Usage: node test/tally.mjs FILE.tap ...
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { readTests, totals } from './tap-tree.mjs'

const { tests } = readTests()
for (const file of process.argv.slice(2)) await pipeline(createReadStream(file), readTests(tests).parser)
console.log(totals(tests))
