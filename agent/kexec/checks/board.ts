/** Checks of the board itself: whether it lets an image be loaded, and what goes on while the target starts. */

import type { BoardFacts, Check } from './check.js'

/** Checks that need no job: whatever they say holds for every job on the board. */
export const BOARD_CHECKS: readonly Check<BoardFacts>[] = [
  {
    check: 'kexec-disabled',
    symptom: 'kexec_load: EPERM',
    severity: 'fatal',
    examine: ({ kexecDisabled }) =>
      kexecDisabled
        ? {
            message: 'kexec_load_disabled is 1: the kernel refuses every image until it is restarted',
            remedy: 'remove the setting kernel.kexec_load_disabled of the first stage, and restart it',
          }
        : null,
  },
  {
    check: 'boot-capability',
    symptom: 'kexec_load: EPERM',
    severity: 'fatal',
    examine: ({ mayBoot }) =>
      mayBoot === false
        ? { message: 'the agent may not load an image: it has no CAP_SYS_BOOT', remedy: 'run the agent as root' }
        : null,
  },
  {
    check: 'cpu-stop',
    symptom: 'kexec_load: EINVAL',
    severity: 'fatal',
    examine: ({ possibleCpus = 1, cpuStop }) =>
      possibleCpus > 1 && cpuStop === false
        ? {
            message: `${possibleCpus} CPUs are possible, and the kernel has no way to stop a secondary one: it refuses every image`,
            remedy:
              'start the first stage with a kernel that has HOTPLUG_CPU and PSCI or MCPM for this board, or with nr_cpus=1',
          }
        : null,
  },
  {
    check: 'links-stop',
    symptom: 'memory corruption after the jump: a network controller writes into the target',
    severity: 'info',
    examine: ({ linksToStop = [] }) =>
      linksToStop.length > 0
        ? { message: `taken down before the jump, so that their DMA stops: ${linksToStop.join(', ')}`, remedy: '' }
        : null,
  },
  {
    check: 'links-kept',
    symptom: 'memory corruption after the jump: a network controller writes into the target',
    severity: 'warning',
    examine: ({ linksKept = [] }) =>
      linksKept.length > 0
        ? {
            message: `left up over the jump: ${linksKept.join(', ')}; drivers without a shutdown hook (dwmac-sunxi is one) go on writing into memory`,
            remedy:
              'keep a link up only where its PHY is dead afterwards otherwise, and its driver has a shutdown hook',
          }
        : null,
  },
  {
    check: 'watchdog',
    symptom: 'the board restarts while the target starts, or hangs for ever',
    severity: 'info',
    examine: ({ watchdog }) => {
      if (watchdog === undefined) return null
      if (watchdog === null) {
        return { message: 'there is no watchdog: a target that hangs has to be reset by the lab', remedy: '' }
      }
      const { name, active, timeout } = watchdog
      if (active !== true) {
        return { message: `${name} is not running: a target that hangs has to be reset by the lab`, remedy: '' }
      }
      return {
        message: `${name} is running with a timeout of ${timeout ?? 'unknown'} s: a target without its driver is reset then, unless the driver stops it at the jump (sunxi_wdt does)`,
        remedy: 'for a reset of a hanging target start the first stage with watchdog.stop_on_reboot=0',
      }
    },
  },
]
