/** Jobs that fail on every board in the same way. */

import type { FailingJob } from './job-suite.js'

/** Replaces the device type's commands. */
const FETCH_NOTHING =
  'commands: [setenv autoload no, dhcp, "setenv serverip {SERVER_IP}", "tftp {KERNEL_ADDR} no/file"]'

export const MISSING_FILE: FailingJob = {
  title: 'a file that is not on the TFTP server',
  example: 'ramdisk',
  changes: { 'commands: ramdisk': FETCH_NOTHING },
  type: 'Infrastructure',
  message: /File not found/,
}

/** @param setting of the device type that holds kernel arguments; `others` are the board's own */
export function panicJob(setting = 'base_kernel_args', others = ''): FailingJob {
  return {
    title: 'a kernel that panics',
    example: 'ramdisk',
    deviceLines: [`{% set ${setting} = '${`rdinit=/no/such/init ${others}`.trim()}' %}`],
    type: 'Job',
    message: /panic/,
  }
}

/** @param deviceLines more of them */
export function silentJob(deviceLines: readonly string[] = []): FailingJob {
  return {
    title: 'a kernel that stays silent until its time limit',
    example: 'ramdisk',
    changes: {
      // Where earlycon speaks, our init is not silent for ever: without a console it ends 30 s into the boot, and the kernel panics.
      'commands: ramdisk': 'commands: ramdisk\n      timeouts:\n        auto-login-action:\n          seconds: 15',
    },
    deviceLines: ["{% set console_device = 'ttyS7' %}", ...deviceLines],
    type: 'Job',
    // Where the kernel's first lines appear, thanks to earlycon, LAVA already waits for the prompt.
    message: /(login-action|wait for prompt) timed out/,
  }
}
