/** The last stage: out of the first stage and into the target. */

import { fault } from '../errors.js'
import { pause } from '../transfer/abort.js'
import { readLinks } from './board-view.js'
import type { Stage } from './stage.js'

/** A storage that hangs must not keep a loaded target from starting. */
const SAVE_MS = 5000

/** Something that should be done before the jump, but whose failure is no reason to stay. */
async function attempt(
  { job, deps }: Stage,
  what: string,
  step: () => Promise<unknown>,
  milliseconds: number,
): Promise<void> {
  const late = Symbol('late')
  const abort = new AbortController()
  try {
    const done = await Promise.race([step(), pause(milliseconds, abort.signal).then(() => late)])
    if (done === late) throw new Error(`not done after ${milliseconds / 1000} s`)
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    job.log('warning', `${what}: ${reason}; going on`)
    deps.log.warn({ job: job.id, what, reason }, 'not done before the jump')
  } finally {
    abort.abort()
  }
}

/** What comes back from a jump is always an error. */
async function jumpOrSayWhy({ deps }: Stage): Promise<string> {
  try {
    await deps.kexec.jump()
    return 'reboot(2) returned without an error'
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

/**
 * Jump. Clients are told first and given time to hear it; then nothing is left to be lost, and nothing writes into
 * memory any more.
 *
 * @param save writes the job down in the state it has then; never rejects
 * @throws JUMP_RETURNED when the kernel refuses; otherwise this never settles
 */
export async function jump(stage: Stage, save: () => Promise<void>): Promise<never> {
  const { job, deps, counters } = stage
  const { kexec, host, config } = deps
  const links = (await readLinks(host, config.keepLinksUp)).filter(({ up, kept }) => up && !kept)
  // The last moment at which a cancel counts.
  stage.signal.throwIfAborted()
  counters.spent(job.state, job.enter('booting'))
  counters.ended('booting', undefined)
  // Whoever follows the job gets the end of the stream too, while there is a link.
  job.events.end()
  deps.log.info({ job: job.id }, 'jumping into the target')
  await Promise.all([pause(config.farewellMs, undefined), attempt(stage, 'job state', save, SAVE_MS)])
  await attempt(stage, 'sync', () => kexec.sync(), SAVE_MS)
  for (const { name } of links) await attempt(stage, `link ${name} down`, () => kexec.linkDown(name), SAVE_MS)
  const reason = await jumpOrSayWhy(stage)
  const gone = links.map(({ name }) => name).join(', ')
  throw fault('JUMP_RETURNED', {
    id: job.id,
    reason: gone === '' ? reason : `${reason}; ${gone} cannot be brought up again from here: reset the board`,
  })
}
