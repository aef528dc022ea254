/** What a booted target must have in common with the first stage that booted it: a table, in the order of its checks. */

import { formatBytes } from '../terminal/quantities.js'
import { type Check, type CheckFinding, skipped } from './check.js'

/** The target's kernel takes more or less memory for itself than the first stage's. */
const MEMORY_TOLERANCE = 0.05

/** Lines of the text that the target prints to test its console; some kilobytes, a receiver without flow control loses part. */
const PATTERN_LINES = 100

const PATTERN = 'The quick brown fox jumps over the lazy dog. 0123456789 +-*/=<>[]{}()#%&'

/** @param reason why it fails, where it does */
function compared(equal: boolean, expected: string, found: string, reason: string): CheckFinding {
  return { result: equal ? 'pass' : 'fail', expected, found, reason: equal ? '' : reason }
}

export const TARGET_CHECKS: readonly Check[] = [
  {
    name: 'job-id',
    compares: "/chosen/fauxboot,job of the target's device tree with the id of the job",
    async run({ job, run }) {
      const found = await run("tr -d '\\000' </proc/device-tree/chosen/fauxboot,job")
      return compared(found === job, job, found, 'another kernel than that of the job runs')
    },
  },
  {
    name: 'cpus',
    compares: "the target's online CPUs with the CPUs that the first stage may ever have, or with maxcpus=",
    async run({ board, run }) {
      const found = Number(await run("grep -c '^processor' /proc/cpuinfo"))
      const [, limit] = /(?:^| )maxcpus=([1-9]\d{0,3})\b/.exec(await run('cat /proc/cmdline')) ?? []
      const expected = Math.min(board.cpus.possible, Number(limit ?? Infinity))
      return compared(found === expected, `${expected}`, `${found}`, 'the target did not start all CPUs')
    },
  },
  {
    name: 'memory',
    compares: "the target's MemTotal with the first stage's, within 5 %",
    async run({ board, run }) {
      const [, kibibytes = '0'] = /^MemTotal:\s+(\d+) kB/.exec(await run("grep '^MemTotal:' /proc/meminfo")) ?? []
      const found = Number(kibibytes) * 1024
      const expected = board.memory.total
      const near = Math.abs(found - expected) <= expected * MEMORY_TOLERANCE
      return compared(near, formatBytes(expected), formatBytes(found), 'the target does not see the same memory')
    },
  },
  {
    name: 'mac-address',
    compares: "the MAC addresses of the target's network devices with those of the first stage's links that are up",
    async run({ board, run }) {
      const expected = board.links.flatMap(({ up, mac }) => (up && mac !== null ? [mac] : []))
      if (expected.length === 0) return skipped('the first stage has no link that is up')
      const printed = await run('for d in /sys/class/net/*; do [ ! -e $d/device ] || cat $d/address; done')
      const found = printed.split('\n').filter(line => line !== '')
      const values = { expected: expected.join(' '), found: found.join(' ') }
      if (found.length === 0) {
        const reason = 'the target has no network device: neither its kernel nor its ramdisk has the driver'
        return { ...skipped(reason), ...values }
      }
      const same = expected.every(mac => found.includes(mac))
      return compared(same, values.expected, values.found, 'the target has another MAC address')
    },
  },
  {
    name: 'watchdog',
    compares: 'the number of watchdogs of the target with that of the first stage',
    async run({ board, run }) {
      const expected = board.watchdogs.length
      if (expected === 0) return skipped('the first stage has no watchdog')
      const found = (await run('ls /sys/class/watchdog 2>/dev/null')).split(/\s+/).filter(name => name !== '').length
      const reason = 'the target lacks the driver of a watchdog, which may be all that can restart the board'
      return compared(found >= expected, `${expected}`, `${found}`, reason)
    },
  },
  {
    name: 'console-complete',
    compares: `${PATTERN_LINES} lines that the target prints with what arrives`,
    async run({ run }) {
      const loop = `i=0; while [ $i -lt ${PATTERN_LINES} ]; do echo "$i ${PATTERN}"; i=$((i+1)); done`
      const lines = (await run(loop)).split('\n')
      const expected = Array.from({ length: PATTERN_LINES }, (_, index) => `${index} ${PATTERN}`)
      const right = expected.filter((line, index) => lines[index] === line).length
      const wrong = expected.findIndex((line, index) => lines[index] !== line)
      const reason = `line ${wrong} arrived as ${JSON.stringify(lines[wrong] ?? '')}`
      return compared(lines.length === PATTERN_LINES && wrong === -1, `${PATTERN_LINES}`, `${right}`, reason)
    },
  },
  {
    name: 'console-clean',
    compares: 'the lines of the console since the jump that have damaged characters with none',
    async run({ garbled }) {
      const reason = `the first one: ${JSON.stringify(garbled[0] ?? '')}`
      return compared(garbled.length === 0, '0', `${garbled.length}`, reason)
    },
  },
  {
    name: 'reset',
    compares: 'a reboot of the target with the return of the boot loader and the agent',
    async run({ reboot }) {
      await reboot()
      return compared(true, 'countdown and agent', 'countdown and agent', '')
    },
  },
]
