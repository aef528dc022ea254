/** A machine for the tests of the commands: everything in memory, what it prints is kept, and any part can be replaced. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Environment } from '../../../../agent/uboot/env/environment.js'
import { UBootEnvironment } from '../../../../agent/uboot/env/uboot-environment.js'
import type { BootTarget } from '../../../../agent/uboot/hardware/boot-target.js'
import { NO_GPIO } from '../../../../agent/uboot/hardware/gpio.js'
import { Memory, type MemoryRange } from '../../../../agent/uboot/hardware/memory.js'
import type { Network } from '../../../../agent/uboot/hardware/network.js'
import type { Storage } from '../../../../agent/uboot/hardware/storage.js'
import type { Machine } from '../../../../agent/uboot/machine/machine.js'
import { stateAtPowerOn } from '../../../../agent/uboot/machine/state.js'

/** DRAM as the recorded U-Boot has it: 1 GiB from 0x40000000. */
export const DRAM: readonly MemoryRange[] = [{ start: 0x4000_0000, end: 0x8000_0000 }]

/** Variables with U-Boot's rules. */
export function plainEnvironment(variables: Readonly<Record<string, string>> = {}): Environment {
  return new UBootEnvironment({ defaults: variables })
}

const refuses = (what: string) => async (): Promise<never> => {
  throw new Error(`this test has no ${what}`)
}

const noNetwork: Network = {
  devices: async () => [],
  connect: async () => null,
  dhcp: refuses('network'),
  configure: refuses('network'),
  ping: refuses('network'),
  reachable: refuses('network'),
  resolve: refuses('network'),
  tftpGet: refuses('network'),
  tftpPut: refuses('network'),
  tftpServe: refuses('network'),
  httpGet: refuses('network'),
}

const noStorage: Storage = {
  devices: async () => [],
  list: refuses('storage'),
  size: refuses('storage'),
  read: refuses('storage'),
}

const noBoot: BootTarget = { boot: refuses('boot'), reset: refuses('boot'), powerOff: refuses('boot') }

/** The machine, and what it printed so far. */
export interface TestMachine extends Machine {
  /** printed since the last call, with \n as line end */
  printed(): string
}

/**
 * Make a machine.
 *
 * @param parts what the test needs to be different
 */
export function testMachine(t: Pick<Test, 'teardown'>, parts: Partial<Machine> = {}): TestMachine {
  const directory = mkdtempSync(join(tmpdir(), 'fauxboot-'))
  const memory = parts.memory ?? Memory.open(join(directory, 'memory'), DRAM)
  t.teardown(() => {
    memory.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const lines: string[] = []
  return {
    board: {
      version: 'U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)',
      identity: '',
      cpu: null,
      model: null,
      dram: DRAM,
      baudrate: 115_200,
      environment: {},
      controlFdt: null,
    },
    out: { write: text => void lines.push(text), room: () => null },
    input: { readLine: async () => null, readKey: async () => null, history: [] },
    env: plainEnvironment(),
    memory,
    shell: { run: async () => 0, locals: new Map() },
    commands: [],
    network: noNetwork,
    storage: noStorage,
    boot: noBoot,
    now: () => new Date('2026-11-23T09:20:51Z'),
    ticks: () => 0,
    gpio: NO_GPIO,
    state: { ...stateAtPowerOn(plainEnvironment()), loadAddress: 0x4040_0000 },
    ...parts,
    printed: () => lines.splice(0).join(''),
  }
}

/** A call as the shell makes it, of a line without quotes. */
export const call = (line: string, signal = new AbortController().signal, repeated = false) => ({
  args: line.split(' '),
  repeated,
  signal,
})
