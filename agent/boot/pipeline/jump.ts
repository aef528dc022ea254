/** Step 5: out of the first stage and into the target. */

import { fault } from '../../errors.js'
import { pause } from '../../transfer/abort.js'
import { readLinks } from '../board/read-board.js'
import type { JobContext } from './job-context.js'
import { armWatchdog, type FedWatchdog } from './watchdog.js'

/** A storage that hangs must not keep a loaded target from starting. */
const LAST_STEP_MS = 5000

/**
 * Do something that should be done before the jump, but whose failure is no reason to stay.
 *
 * @param complain called with what went wrong
 * @param milliseconds after which it is not waited for any longer
 */
export async function attempt(
  complain: (problem: string) => void,
  what: string,
  step: () => Promise<unknown>,
  milliseconds: number,
): Promise<void> {
  const abort = new AbortController()
  const late = pause(milliseconds, abort.signal).then(() => {
    throw new Error(`not done after ${milliseconds / 1000} s`)
  })
  try {
    await Promise.race([step(), late])
  } catch (thrown) {
    complain(`${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  } finally {
    abort.abort()
    await Promise.allSettled([late])
  }
}

/** If the jump returns, it has failed. */
async function jumpOrSayWhy({ deps, onJump }: JobContext, watchdog: FedWatchdog | null): Promise<string> {
  try {
    watchdog?.leaveToTarget()
    onJump()
    await deps.kexec.jump()
    return 'reboot(2) returned without an error'
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

/**
 * Jump, with a watchdog if the job has one.
 *
 * @throws JUMP_RETURNED when the kernel refuses; KEXEC_* when the watchdog cannot be armed; otherwise this never settles
 */
export async function jump(context: JobContext): Promise<never> {
  const { job, deps } = context
  const complain = (problem: string): void => {
    job.log('warning', `${problem}; going on`)
    deps.log.warn({ job: job.id, problem }, 'not done before the jump')
  }
  // Armed while a failure is still harmless: later the links are down.
  const watchdog = await armWatchdog(context, complain)
  try {
    return await leave(context, watchdog, complain)
  } catch (thrown) {
    watchdog?.disarm()
    throw thrown
  }
}

/**
 * Clients are informed first and get time to receive it. Then nothing can be lost, and no device writes into memory any
 * more.
 */
async function leave(
  context: JobContext,
  watchdog: FedWatchdog | null,
  complain: (problem: string) => void,
): Promise<never> {
  const { job, deps, counters } = context
  const { kexec, host, config } = deps
  const links = (await readLinks(host, config.keepLinksUp)).filter(({ up, kept }) => up && !kept)
  // The last moment at which a cancel counts.
  context.signal.throwIfAborted()
  counters.spent(job.state, job.enter('booting'))
  counters.ended('booting', undefined)
  // Followers must receive the end of the stream while there is a link.
  job.events.end()
  deps.log.info({ job: job.id }, 'jumping into the target')
  await Promise.all([
    pause(config.jumpNoticeMs, undefined),
    attempt(complain, 'job state', () => context.save(), LAST_STEP_MS),
  ])
  await attempt(complain, 'connections', async () => deps.hangUp?.(), LAST_STEP_MS)
  // The peers must receive that too.
  await pause(config.jumpNoticeMs, undefined)
  await attempt(complain, 'sync', () => kexec.sync(), LAST_STEP_MS)
  for (const { name } of links) {
    await attempt(complain, `link ${name} down`, () => kexec.linkDown(name), LAST_STEP_MS)
    await attempt(complain, `driver of link ${name}`, () => host.detach(name), LAST_STEP_MS)
  }
  await attempt(complain, 'last words', async () => context.lastWords?.remember(job.record()), LAST_STEP_MS)
  const reason = await jumpOrSayWhy(context, watchdog)
  await attempt(complain, 'last words', async () => context.lastWords?.forget(), LAST_STEP_MS)
  const gone = links.map(({ name }) => name).join(', ')
  throw fault('JUMP_RETURNED', {
    id: job.id,
    reason: gone === '' ? reason : `${reason}; ${gone} cannot be brought up again from here`,
  })
}
