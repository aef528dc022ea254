/**
 * Print the totals of one or more TAP files as `N passed, N failed, N skipped`, counting assertions.
 *
 * Usage: node test/tally.mjs FILE.tap ...
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Parser } from 'tap-parser'

const total = { passed: 0, failed: 0, skipped: 0 }

/** Count the leaves of the tree of subtests: a subtest's own line only repeats what its assertions say. */
function count(parser) {
  let hasChildren = false
  parser.on('child', child => {
    hasChildren = true
    count(child)
  })
  parser.on('assert', result => {
    const summarisesChild = hasChildren
    hasChildren = false
    if (summarisesChild) return
    if (result.skip || result.todo) total.skipped++
    else if (result.ok) total.passed++
    else total.failed++
  })
  return parser
}

for (const file of process.argv.slice(2)) await pipeline(createReadStream(file), count(new Parser()))
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
