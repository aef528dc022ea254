/** A soak in a network namespace of its own, where its ports are free and its clients have as many addresses as they want. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { AGENT_BUNDLE } from '../../systemd/paths.js'
import type { Sample, SoakResult } from './soak-result.js'

export interface SoakOptions {
  readonly minutes: number
  /** the agent's setting */
  readonly maxConnections: number
  /** file that the agent's log is written to */
  readonly log: string
}

/** From the child. */
export type SoakMessage = { readonly sample: Sample } | { readonly result: SoakResult }

/** Debian's packages. */
const PROGRAMS: Readonly<Record<string, string>> = {
  busybox: 'busybox',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
  socat: 'socat',
  unshare: 'util-linux',
}

/** @returns what is missing here, and how to get it */
export function missingForSoak(): string[] {
  const directories = (process.env.PATH ?? '').split(delimiter)
  const absent = Object.entries(PROGRAMS).filter(
    ([program]) => !directories.some(path => existsSync(join(path, program))),
  )
  return [
    ...(process.getuid?.() === 0 ? [] : ['root, to make a network namespace: run it with sudo']),
    ...absent.map(([program, from]) => `${program}: apt-get install ${from}`),
    ...(existsSync(AGENT_BUNDLE) ? [] : [`${AGENT_BUNDLE}: npm run build`]),
  ]
}

/**
 * Run a soak to its end, or until SIGINT, which the child gets too.
 *
 * @param progress called for each sample
 * @throws Error when there is no result
 */
export async function soakInOwnNetwork(
  options: SoakOptions,
  progress: (sample: Sample) => void = () => undefined,
): Promise<SoakResult> {
  const run = [process.execPath, '--enable-source-maps', join(import.meta.dirname, 'run-soak.js')]
  const child = spawn('sh', ['test/lava/in-own-network.sh', ...run, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let result: SoakResult | undefined
  child.on('message', message => {
    const received = message as SoakMessage
    if ('sample' in received) progress(received.sample)
    else result = received.result
  })
  const [code, signal] = await once(child, 'close')
  if (result === undefined) throw new Error(`the soak ended with ${signal ?? code}, without a result`)
  return result
}
