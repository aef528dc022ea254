/** A board on the recorded network: 192.168.77.58, with a server at 192.168.77.1. */

import type { Test } from 'tap'
import { type Command, type Machine, USAGE } from '../../../../agent/uboot/machine/machine.js'
import { FakeNetwork, type FakeWorld } from './fake-network.js'
import { call, plainEnvironment, type TestMachine, testMachine } from './machine.js'

const DEVICE = { name: 'virtio-net#33', mac: '52:54:00:12:34:56', active: true }

export const LEASE = {
  address: '192.168.77.58',
  netmask: '255.255.255.0',
  gateway: '192.168.77.1',
  server: '192.168.77.1',
  dns: [],
  hostname: null,
  domain: null,
  rootPath: null,
  bootFile: 'default.boot',
}

export const VARIABLES = {
  ipaddr: '192.168.77.58',
  netmask: '255.255.255.0',
  gatewayip: '192.168.77.1',
  serverip: '192.168.77.1',
  loadaddr: '0x40200000',
}

export interface Board {
  readonly machine: TestMachine
  readonly network: FakeNetwork
  /** Run a line of one command; ends with `usage` where that was printed. @returns what was printed */
  type(line: string, signal?: AbortSignal): Promise<string>
  /** `$?` of the last line */
  result(): number
}

/** @param parts of the machine that are to be different */
export function board(
  t: Test,
  commands: readonly Command[],
  world: FakeWorld = {},
  variables: Readonly<Record<string, string>> = VARIABLES,
  parts: Partial<Machine> = {},
): Board {
  const network = new FakeNetwork({ devices: [DEVICE], lease: LEASE, hosts: ['192.168.77.1'], ...world })
  const machine = testMachine(t, { network, env: plainEnvironment(variables), commands, ...parts })
  let last = 0
  return {
    machine,
    network,
    async type(line, signal) {
      const request = call(line, signal)
      const command = commands.find(({ name }) => name === request.args[0])
      if (command === undefined) throw new Error(`no command ${line}`)
      last = request.args.length > command.maxArgs ? USAGE : await command.run(machine, request)
      if (last === USAGE)
        machine.out.write(`${command.name} - ${command.summary}\n\nUsage:\n${command.name} ${command.usage}\n`)
      return machine.printed()
    },
    result: () => last,
  }
}

/** Lines of a text, each with its line end. */
export const lines = (...text: readonly string[]): string => text.map(line => `${line}\n`).join('')
