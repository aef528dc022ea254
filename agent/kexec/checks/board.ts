/** Checks of the board itself: whether its kernel accepts an image, and what runs on while the target starts. */

import type { BoardFacts, Check } from './check.js'

/** Checks that need no job: their findings hold for every job on the board. */
export const BOARD_CHECKS: readonly Check<BoardFacts>[] = [
  {
    check: 'kexec-disabled',
    symptom: 'kexec_load: EPERM',
    severity: 'fatal',
    examine: ({ kexecDisabled }) =>
      kexecDisabled
        ? {
            message: 'kexec_load_disabled is 1: the kernel refuses every image until the board restarts',
            remedy:
              'remove kernel.kexec_load_disabled from the sysctl settings of the first stage, and restart the board',
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
    // `machine_kexec_prepare()` (arch/arm/kernel/machine_kexec.c) refuses only where the kernel can start secondary CPUs.
    // With one CPU online, nothing shows whether it can.
    examine: ({ possibleCpus = 1, onlineCpus = possibleCpus, cpuStop }) => {
      if (possibleCpus === 1 || cpuStop !== false) return null
      const started = onlineCpus > 1
      return {
        severity: started ? 'fatal' : 'warning',
        message: `${possibleCpus} CPUs are possible, and the kernel cannot stop the secondary ones, so it refuses every image${started ? '' : ' if it can start them; one is online'}`,
        remedy:
          'boot the first stage with a kernel that has HOTPLUG_CPU and PSCI or MCPM for this board, or with nr_cpus=1',
      }
    },
  },
  {
    check: 'links-stop',
    symptom: 'memory corruption after the jump: a network controller writes into the target',
    severity: 'info',
    examine: ({ linksToStop = [] }) =>
      linksToStop.length > 0
        ? {
            message: `network links taken down before the jump, to stop their DMA: ${linksToStop.join(', ')}`,
            remedy: '',
          }
        : null,
  },
  {
    check: 'links-kept',
    symptom: 'memory corruption after the jump: a network controller writes into the target',
    severity: 'warning',
    examine: ({ linksKept = [] }) =>
      linksKept.length > 0
        ? {
            message: `network links left up during the jump: ${linksKept.join(', ')}; a driver without a shutdown hook (such as dwmac-sunxi) keeps writing into memory`,
            remedy:
              'keep a link up only if its driver has a shutdown hook and its PHY would not come back after being taken down',
          }
        : null,
  },
  {
    check: 'watchdog',
    symptom: 'the board restarts while the target starts, or hangs forever',
    severity: 'info',
    examine: ({ watchdog, watchdogSeconds = 0 }) => {
      if (watchdog === undefined || watchdogSeconds > 0) return null
      if (watchdog === null) {
        return { message: 'there is no watchdog: if the target hangs, the lab must reset the board', remedy: '' }
      }
      const { name, active, timeout } = watchdog
      if (active !== true) {
        return {
          message: `${name} is not running: if the target hangs, the lab must reset the board`,
          remedy: 'to have a hanging target reset, set the option watchdog',
        }
      }
      return {
        message: `${name} is running with a timeout of ${timeout ?? 'unknown'} s: it resets a target that has no driver for it, unless the first stage's driver stops it at the jump (as sunxi_wdt does)`,
        remedy: 'to have a hanging target reset, boot the first stage with watchdog.stop_on_reboot=0',
      }
    },
  },
  {
    check: 'watchdog-armed',
    symptom: 'a target hangs, and the board stays silent until the lab resets it',
    severity: 'fatal',
    examine: ({ watchdog, watchdogSeconds = 0 }) => {
      if (watchdog === undefined || watchdogSeconds === 0) return null
      if (watchdog === null) {
        return {
          message: `a watchdog of ${watchdogSeconds} s is asked for, but the board has no watchdog`,
          remedy: "load the watchdog's driver on the first stage, or leave out the option watchdog",
        }
      }
      const { name, maxTimeout, stopsOnReboot } = watchdog
      if (maxTimeout !== null && watchdogSeconds > maxTimeout) {
        return {
          message: `a watchdog of ${watchdogSeconds} s is asked for, but ${name} allows at most ${maxTimeout} s`,
          remedy: 'ask for less',
        }
      }
      if (stopsOnReboot !== false) {
        return {
          message: `the kernel may stop ${name} at the jump`,
          remedy: 'boot the first stage with watchdog.stop_on_reboot=0, or leave out the option watchdog',
        }
      }
      return {
        severity: 'info',
        message: `${name} is armed before the jump: it resets the board when the target does not take it over within ${watchdogSeconds} s`,
        remedy: '',
      }
    },
  },
]
