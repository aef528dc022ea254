/** Restarting the board and switching it off, by the kernel's own call: at once, and without notifying any process. */

import { powerOff, restart, sync } from '../native/index.js'
import { fault } from './errors.js'
import type { Power } from './uboot/boot/pipeline-target.js'

/** If a call returns, it has failed. */
export const BOARD_POWER: Power = {
  reset: () => orFail('restarted', restart),
  powerOff: () => orFail('switched off', powerOff),
}

async function orFail(action: string, call: () => Promise<void>): Promise<never> {
  try {
    await sync()
    await call()
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('BOARD_POWER', { action, reason }, thrown)
  }
  throw fault('BOARD_POWER', { action, reason: 'reboot(2) returned without an error' })
}
