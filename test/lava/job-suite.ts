/** Runs jobs in the real dispatcher and checks their results. */

import type { Test } from 'tap'
import type { FinishedJob } from './dispatcher.js'
import { exampleJob, serveBrokenFiles, serveExampleFiles } from './job-files.js'
import { type LavaLab, type LavaLabOptions, openLavaLab } from './lava-lab.js'

interface JobCase {
  readonly title: string
  /** file in `lava/definitions/jobs` */
  readonly example: string
  /** texts in the example, and their replacements */
  readonly changes?: Readonly<Record<string, string>>
  /** lines to append to the device dictionary */
  readonly deviceLines?: readonly string[]
}

/** A job that must reach the login and pass. */
export interface PassingJob extends JobCase {
  /** test cases that must pass, as `definition/case` */
  readonly cases?: readonly string[]
  /** must appear on the board's console */
  readonly console: RegExp
}

/** A job that must fail with a certain error. */
export interface FailingJob extends JobCase {
  /** LAVA's type of error: `Infrastructure` if the lab is at fault, `Job` if the job is */
  readonly type: string
  readonly message: RegExp
  /** stop the TFTP server for this job */
  readonly withoutTftp?: boolean
  /** the serial line damages the typed text that begins so */
  readonly damaged?: string
}

/**
 * Run jobs on one board, one after another, each from power-on.
 */
export async function runJobs(
  t: Test,
  board: string,
  passing: readonly PassingJob[],
  failing: readonly FailingJob[],
  options: LavaLabOptions = {},
): Promise<void> {
  const lava = await openLavaLab(t, board, options)
  await serveExampleFiles(lava)
  await serveBrokenFiles(lava)
  if (passing.some(({ example }) => example === 'nfs')) {
    await lava.dispatcher.serveNfs()
    t.teardown(() => lava.dispatcher.endNfs())
  }
  for (const { cases = [], console, ...wanted } of passing) {
    await t.test(`${board}: passes: ${wanted.title}`, async t => {
      const job = await runJob(t, lava, board, wanted)
      t.match(job.result, { result: 'pass' })
      for (const name of [...cases, 'lava/login-action']) t.equal(job.cases.get(name), 'pass', name)
      t.match(job.console, console)
    })
  }
  for (const { type, message, withoutTftp = false, damaged, ...wanted } of failing) {
    await t.test(`${board}: fails: ${wanted.title}`, async t => {
      if (damaged !== undefined) lava.board.damage(damaged)
      if (withoutTftp) await lava.dispatcher.endTftp()
      const { result } = await runJob(t, lava, board, wanted)
      t.match(result, { result: 'fail', error_type: type, error_msg: message })
      if (withoutTftp) lava.dispatcher.serveTftp()
    })
  }
}

async function runJob(t: Test, lava: LavaLab, device: string, wanted: JobCase): Promise<FinishedJob> {
  const { example, changes, deviceLines } = wanted
  const definition = await exampleJob(lava, example, changes)
  const job = await lava.dispatcher.run({ definition, device, deviceLines })
  t.comment(`${wanted.title}: ${job.seconds.toFixed(0)} s`)
  return job
}
