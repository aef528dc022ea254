/**
 * Runs several test files in one process, one after the other: loading tap and the sources takes longer than most unit
 * tests. What a file imports as `tap` is a test of its own, so its hooks end with it; what it changes in the process it
 * must restore.
 *
 * Usage: node test/batch/run-batch.mjs FILE.test.ts ...      TAP_TIMEOUT: the seconds for each
 */
import { register } from 'node:module'
import { resolve } from 'node:path'

// tap would name the folder of each fixture after all arguments.
const files = process.argv.splice(2)
register('./resolve-tap.mjs', import.meta.url)
const { root, runIn } = await import('./tap-of-file.mjs')

root.setTimeout(0)
for (const file of files)
  await root.test(file, { timeout: Number(process.env.TAP_TIMEOUT) * 1000 }, async t => {
    runIn(t)
    await import(resolve('dist', file.replace(/ts$/, 'js')))
  })

// A test that timed out may still be running, and would keep this process alive.
if (!root.passing()) setTimeout(() => process.exit(1), 1000).unref()
