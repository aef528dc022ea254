/** Sessions whose verdict a test gives: nothing is booted. */

import { writeFile } from 'node:fs/promises'
import type { Expect } from '../../../../lava/console/expect.js'
import type { BoardSessionOptions, BoardSessionResult } from '../../../../lava/monitor/board-session.js'
import type { BootVerdict } from '../../../../lava/monitor/boot-watch.js'
import { FakeTarget } from '../console/fake-target.js'

export const BOOTED: BootVerdict = {
  outcome: 'booted',
  sign: 'login-prompt',
  reason: 'the target said "/ # "',
  lines: ['/ # '],
  milestones: { 'linux-version': 3, prompt: 12 },
  warnings: [],
}

export const PANIC: BootVerdict = {
  outcome: 'failed',
  sign: 'kernel-panic',
  reason: 'the kernel panicked 4 s after power-on: Unable to mount root fs',
  lines: ['Kernel panic - not syncing: VFS: Unable to mount root fs'],
  milestones: { 'linux-version': 3 },
  warnings: [],
}

/** A session in which the test scripts the board; nothing boots it. */
export function fakeSession(verdict: BootVerdict, target: () => Expect = () => new FakeTarget()) {
  return async (options: BoardSessionOptions): Promise<BoardSessionResult> => {
    options.signal.throwIfAborted()
    if (options.logFile !== undefined) await writeFile(options.logFile, 'Linux version 6.12\n/ # ')
    if (verdict.outcome === 'booted') await options.whenBooted?.(target(), options.signal)
    return { verdict, started: new Date('2026-11-23T10:00:00Z'), duration: 20, excerpt: 'Linux version 6.12\n/ # ' }
  }
}
