/** Step 3: make the plan and decide whether it may run. */

import { fault } from '../../errors.js'
import { parseIomem } from '../../kexec/layout/memory-map.js'
import type { Finding, Plan } from '../../kexec/layout/plan.js'
import { planBoot } from '../../kexec/planner.js'
import { planToJson } from '../../kexec/render/plan-json.js'
import { readBoardFacts } from '../board/read-board.js'
import type { JobContext } from './job-context.js'
import type { BootImages } from './unpack.js'
import { watchdogSeconds } from './watchdog.js'

/**
 * Plan a job on this board. Clients see plan and findings, whatever the outcome.
 *
 * @throws MAP_*, PLAN_INPUT, FORMAT_*
 */
export async function planImages(context: JobContext, images: BootImages): Promise<Plan> {
  const { job, request, deps } = context
  const { host, config } = deps
  const { earlycon = config.earlycon, force } = request.options
  const plan = planBoot({
    ram: parseIomem(await host.iomem()),
    kernel: images.kernel.bytes,
    ramdisk: images.ramdisk.map(({ bytes }) => bytes),
    dtb: images.dtb?.bytes,
    runningDtb: (await host.runningDtb()) ?? undefined,
    cmdline: request.cmdline,
    jobId: job.id,
    earlycon,
    lastWords: context.lastWords !== null,
    force,
    macAddresses: { ...(await host.macAddresses()), ...request.macAddresses },
    board: await readBoardFacts(host, {
      keepLinksUp: config.keepLinksUp,
      watchdogSeconds: watchdogSeconds(context),
      serial: config.serial,
    }),
  })
  job.plan = planToJson(plan)
  for (const { check, severity, message, remedy } of plan.findings) {
    job.events.append({ type: 'finding', check, severity, message, remedy })
  }
  return plan
}

const isFatal = ({ severity }: Finding): boolean => severity === 'fatal'

/**
 * Stop a job whose plan would not be survived, unless it insists.
 *
 * @throws PLAN_REFUSED with the findings
 */
export function checkPlan({ job, request }: JobContext, plan: Plan): void {
  const fatal = plan.findings.filter(isFatal)
  const [first] = fatal
  if (first === undefined) return
  const finding = fatal.map(({ message, remedy }) => [message, remedy].filter(Boolean).join('; ')).join(' | ')
  // Without segments, `force` has nothing to load.
  if (!request.options.force || plan.segments.length === 0) throw fault('PLAN_REFUSED', { finding })
  job.log('warning', `FORCED: this plan cannot survive but is loaded anyway: ${finding}`)
}
