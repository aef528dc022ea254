/**
 * Reading TAP: which tests passed, failed or were skipped.
 *
 * A test is a block of tap's `t.test` that has no blocks inside it. A block around others counts only when it fails and
 * they do not: one of its own assertions failed, or it timed out.
 */
import { Parser } from 'tap-parser'

/**
 * @typedef {object} Tests
 * @property {number} passed
 * @property {{ path: string[], reason: string }[]} skipped `path` leads from the file's name to the test's
 * @property {{ path: string[], results: object[] }[]} failed with the results of tap-parser that failed
 */

/**
 * @param {Tests} [tests] to add to
 * @returns {{ parser: Parser, tests: Tests }} a stream to write TAP to, and what was read so far
 */
export function readTests(tests = { passed: 0, skipped: [], failed: [] }) {
  const parser = new Parser()
  readBlock(parser, [], tests)
  return { parser, tests }
}

/** @returns what is known of a block when its parser has ended */
function readBlock(parser, path, tests) {
  const block = { hasBlocks: false, ran: false, failures: [], ok: true }
  let inner
  parser.on('child', child => {
    block.hasBlocks = true
    inner = readBlock(child, [...path, child.name], tests)
  })
  parser.on('assert', result => {
    const summarised = inner
    inner = undefined
    const skip = result.skip || result.todo
    if (skip) {
      tests.skipped.push({ path: [...path, result.name], reason: skip === true ? 'no reason given' : skip })
      return
    }
    block.ran = true
    block.ok &&= result.ok
    if (summarised === undefined) {
      if (!result.ok) block.failures.push(result)
    } else if (result.ok) {
      if (summarised.ran && !summarised.hasBlocks) tests.passed++
    } else if (summarised.ok || summarised.failures.length > 0) {
      tests.failed.push({ path: [...path, result.name], results: summarised.ok ? [result] : summarised.failures })
    }
  })
  return block
}

/** @returns the totals in the form `N passed, N failed, N skipped` */
export function totals({ passed, failed, skipped }) {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`
}

/** @returns a test's name after its file and the blocks around it; how files share processes is left out */
export function nameOf({ path }) {
  return path.slice(path.findLastIndex(name => name.endsWith('.test.ts'))).join(' > ')
}
