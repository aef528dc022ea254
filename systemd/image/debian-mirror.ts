/** Getting a release of Debian from a mirror, which may be in the middle of its synchronization. */

import { setTimeout as delay } from 'node:timers/promises'
import { asFault, type FauxbootError, fault } from '../../agent/errors.js'
import { run, stopSignal } from '../run.js'

export type Suite = 'forky' | 'trixie' | 'bookworm'

/** A release's other name. On a mirror it is a separate folder, which can be complete while the first is synchronized. */
const OTHER_NAME: Readonly<Record<Suite, string>> = {
  forky: 'testing',
  trixie: 'stable',
  bookworm: 'oldstable',
}

interface Attempt {
  /** use the release's own name, not its other one */
  readonly own: boolean
  /** include security and stable updates; without them, the tree is the last point release */
  readonly updates: boolean
  readonly waitSeconds: number
}

/** What to try, in this order, because a mirror answers with errors while it is synchronized. */
const ATTEMPTS: readonly Attempt[] = [
  { own: true, updates: true, waitSeconds: 0 },
  { own: false, updates: true, waitSeconds: 1 },
  { own: true, updates: true, waitSeconds: 15 },
  { own: true, updates: false, waitSeconds: 1 },
  { own: false, updates: false, waitSeconds: 1 },
  { own: true, updates: false, waitSeconds: 60 },
]

/** A hook that mmdebstrap runs before apt reads the list of sources. */
const ONLY_THE_RELEASE = `--setup-hook=sed -i -e '/-updates/d' -e '/security/d' "$1"/etc/apt/sources.list`

/** Settings of the host's apt that mmdebstrap's apt needs for the same mirror. */
const HOST_APT_SETTINGS = ['Acquire::Check-Valid-Until', 'Acquire::Check-Date']

async function hostAptOptions(): Promise<string[]> {
  const dump = await run('reading the settings of apt', ['apt-config', 'dump', ...HOST_APT_SETTINGS])
  return dump
    .toString()
    .split('\n')
    .filter(line => HOST_APT_SETTINGS.some(name => line.startsWith(`${name} `)))
    .map(line => `--aptopt=${line.replace(/;$/, '')}`)
}

/**
 * Have mmdebstrap read a release from the mirror, in one way after another until it works.
 *
 * @param use gets mmdebstrap's options and its name of the release; it may be called again after it failed
 * @throws what the last attempt threw; the reason of the signal of `runUntil`
 */
export async function fromMirror(
  suite: Suite,
  use: (options: readonly string[], name: string) => Promise<void>,
): Promise<void> {
  const options = await hostAptOptions()
  const signal = stopSignal()
  let last: FauxbootError | null = null
  for (const [index, attempt] of ATTEMPTS.entries()) {
    await delay(attempt.waitSeconds * 1000, undefined, { signal })
    try {
      return await use([...options, ...(attempt.updates ? [] : [ONLY_THE_RELEASE])], nameOf(suite, attempt))
    } catch (error) {
      signal?.throwIfAborted()
      last = asFault(error, `unpacking Debian ${suite}`)
      const reason = /^E: .*$/m.exec(last.message)?.[0] ?? last.message
      process.stderr.write(`${mirrorFailure(suite, index + 1, reason)}\n`)
    }
  }
  throw last ?? fault('BUILD_INPUT', { doing: 'unpacking Debian', reason: 'no way to get it is known' })
}

/**
 * A line for people whose mirror failed.
 *
 * @param attempts that were made
 */
export function mirrorFailure(suite: Suite, attempts: number, reason: string): string {
  const failed = `Debian ${suite}: the mirror failed: ${reason}`
  const next = ATTEMPTS[attempts]
  if (next === undefined) return `${failed}; giving up after ${attempts} attempts`
  const differences = [
    ...(next.own ? [] : [`under its other name, ${OTHER_NAME[suite]}`]),
    ...(next.updates ? [] : ['without its updates']),
  ]
  return [`${failed}; trying again in ${next.waitSeconds} s`, ...differences].join(', ')
}

function nameOf(suite: Suite, attempt: Attempt): string {
  return attempt.own ? suite : OTHER_NAME[suite]
}
