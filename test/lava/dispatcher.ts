/** Runs LAVA's dispatcher, its TFTP server and its NFS server in their own file system. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { access, chmod, copyFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { type DispatcherRelease, dispatcherPackages } from './dispatcher-packages.js'
import { ganeshaConfiguration } from './ganesha-configuration.js'

/** The address that `test/lava/in-own-network.sh` adds to the loopback device. */
export const DISPATCHER_ADDRESS = '192.0.2.1'

/** Folders with templates: first the lab's, then LAVA's own. */
const TEMPLATES = ['/lab/devices', '/lab/device-types', '/usr/share/lava-server/device-types']

/** The TFTP server's folder; the dispatcher reads it from the server's configuration. */
const TFTP_DIRECTORY = '/srv/tftp'

/** A job that takes longer is stopped; the time limits in jobs are shorter, ms. */
const PATIENCE_MS = 900_000

/** Files that configuring Debian's packages would write. */
const ETC: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n',
  'default/tftpd-hpa': `TFTP_DIRECTORY="${TFTP_DIRECTORY}"\n`,
}

/** The folder into which LAVA unpacks a job's files. */
const DOWNLOADS = '/var/lib/lava/dispatcher/tmp'

/** Programs to which Debian's alternatives would add links. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  awk: 'mawk',
  fakeroot: 'fakeroot-sysv',
  telnet: 'inetutils-telnet',
}

/** A line of the log that lava-run writes. */
interface LogLine {
  readonly lvl: string
  readonly msg: unknown
}

/** The content of a job's `result.yaml`. */
interface JobResult {
  readonly result: 'pass' | 'fail'
  readonly error_type?: string
  readonly error_msg?: string
}

/** A job that has ended. */
export interface FinishedJob {
  readonly result: JobResult
  readonly log: readonly LogLine[]
  /** results of test cases and of LAVA's own steps, by `definition/case` */
  readonly cases: ReadonlyMap<string, string>
  /** the board's console output, in lines */
  readonly console: string
  /** run time of lava-run */
  readonly seconds: number
}

export interface JobRequest {
  /** text of the job, as submitted to LAVA */
  readonly definition: string
  /** file in `lava/definitions/devices` */
  readonly device: string
  /** lines to append to the device dictionary */
  readonly deviceLines?: readonly string[]
}

export class Dispatcher {
  readonly #release: DispatcherRelease
  readonly #packages: string
  readonly #machine: string
  #jobs = 0
  #tftp: ChildProcess | null = null
  #nfs: ChildProcess | null = null

  private constructor(release: DispatcherRelease, packages: string, machine: string) {
    this.#release = release
    this.#packages = packages
    this.#machine = machine
  }

  /**
   * Create the file system.
   *
   * @param machine an empty folder
   * @param release of Debian, the one that the dispatcher comes from
   * @throws unless `test/lava/in-own-network.sh` has started this process
   */
  static async start(machine: string, release: DispatcherRelease): Promise<Dispatcher> {
    const addresses = Object.values(networkInterfaces()).flatMap(list => list?.map(({ address }) => address) ?? [])
    if (!addresses.includes(DISPATCHER_ADDRESS)) {
      throw new Error(`this machine lacks the address ${DISPATCHER_ADDRESS}: run "sh test/run.sh lava" as root`)
    }
    const packages = await dispatcherPackages(release)
    const inside = (path: string): string => join(machine, path)
    await cp(join(packages, 'etc'), inside('etc'), { recursive: true, verbatimSymlinks: true })
    const folders = ['etc/default', 'opt/lab', 'jobs', 'root', 'run', 'tmp', TFTP_DIRECTORY, 'lab']
    for (const folder of folders) await mkdir(inside(folder), { recursive: true })
    await mkdir(inside(DOWNLOADS), { recursive: true })
    for (const [name, text] of Object.entries(ETC)) await writeFile(inside(`etc/${name}`), text)
    for (const [name, program] of Object.entries(ALTERNATIVES)) {
      await symlink(`/usr/bin/${program}`, inside(`opt/lab/${name}`))
    }
    for (const folder of ['devices', 'device-types']) {
      await cp(`lava/definitions/${folder}`, inside(`lab/${folder}`), { recursive: true })
    }
    for (const script of ['render-device.py', 'check-definitions.py']) {
      await copyFile(`test/lava/${script}`, inside(`lab/${script}`))
    }
    await writeFile(inside('lab/dispatcher.yaml'), `dispatcher_ip: ${DISPATCHER_ADDRESS}\n`)
    // Without this, LAVA exports this process's environment on the board.
    await writeFile(inside('lab/env-dut.yaml'), 'purge: true\n')
    return new Dispatcher(release, packages, machine)
  }

  /** Install the script that devices' power commands run, with a board's name and the action as arguments. */
  async setPowerCommand(script: string): Promise<void> {
    const path = join(this.#machine, 'opt/lab/board-power')
    await writeFile(path, script)
    await chmod(path, 0o755)
  }

  /**
   * Start the NFS server. It exports the folder into which LAVA unpacks root file systems.
   *
   * @throws with its log if it ends
   */
  async serveNfs(): Promise<void> {
    for (const folder of ['run/ganesha', 'var/lib/nfs/ganesha']) {
      await mkdir(join(this.#machine, folder), { recursive: true })
    }
    // The server looks in this file for the file systems that it exports.
    await symlink('/proc/self/mounts', join(this.#machine, 'etc/mtab'))
    await writeFile(
      join(this.#machine, 'etc/ganesha/ganesha.conf'),
      ganeshaConfiguration(this.#release, { address: DISPATCHER_ADDRESS, folder: DOWNLOADS }),
    )
    const server = this.#spawn(
      ['/usr/bin/ganesha.nfsd', '-F', '-L', '/run/ganesha/log', '-p', '/run/ganesha/pid'],
      'ignore',
    )
    this.#nfs = server
    const log = (): Promise<string> => readFile(join(this.#machine, 'run/ganesha/log'), 'utf8').catch(() => '')
    while (!(await log()).includes('NFS SERVER INITIALIZED')) {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`the NFS server ended:\n${await log()}`)
      await delay(100)
    }
  }

  /** End the NFS server. */
  async endNfs(): Promise<void> {
    const server = this.#nfs
    if (server === null) return
    this.#nfs = null
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }

  /** Start the TFTP server. */
  serveTftp(): void {
    const address = `${DISPATCHER_ADDRESS}:69`
    const options = ['--foreground', '--listen', '--user', 'root', '--address', address, '--secure', TFTP_DIRECTORY]
    this.#tftp = this.#spawn(['/usr/sbin/in.tftpd', ...options], 'ignore')
  }

  /** Kill the TFTP server. Running transfers continue in their own processes. */
  async endTftp(): Promise<void> {
    const server = this.#tftp
    if (server === null) return
    this.#tftp = null
    const ended = once(server, 'exit')
    server.kill()
    await ended
  }

  /**
   * The device as lava-server sends it to the dispatcher.
   *
   * @param name file in `lava/definitions/devices`, without its extension
   * @param lines to append to the dictionary
   * @param context the job's
   */
  async renderDevice(name: string, lines: readonly string[] = [], context: object = {}): Promise<string> {
    const dictionary = await readFile(`lava/definitions/devices/${name}.jinja2`, 'utf8')
    const file = `${name}.jinja2`
    await writeFile(join(this.#machine, 'lab/devices', file), [dictionary, ...lines, ''].join('\n'))
    return this.#run(['python3', '/lab/render-device.py', TEMPLATES.join(':'), file, JSON.stringify(context)])
  }

  /**
   * Check rendered devices and jobs against LAVA's schemas.
   *
   * @param files texts by name; the name of a device begins with `device`
   * @throws with LAVA's errors
   */
  async checkDefinitions(files: ReadonlyMap<string, string>): Promise<void> {
    const folder = join(this.#machine, 'tmp/definitions')
    await mkdir(folder, { recursive: true })
    for (const [name, text] of files) await writeFile(join(folder, name), text)
    await this.#run(['python3', '/lab/check-definitions.py', ...[...files.keys()].map(n => `/tmp/definitions/${n}`)])
  }

  /** Run a job to its end, as lava-worker does. */
  async run({ definition, device, deviceLines }: JobRequest): Promise<FinishedJob> {
    this.#jobs += 1
    const id = String(this.#jobs)
    const job = join(this.#machine, 'jobs', id)
    await mkdir(job, { recursive: true })
    const { context = {} } = parse(definition) as { context?: object }
    await writeFile(join(job, 'device.yaml'), await this.renderDevice(device, deviceLines, context))
    await writeFile(join(job, 'job.yaml'), definition)
    const started = performance.now()
    const child = this.#spawn([
      ...['python3', '/usr/bin/lava-run', '--job-id', id, '--output-dir', `/jobs/${id}/out`],
      ...['--device', `/jobs/${id}/device.yaml`, '--dispatcher', '/lab/dispatcher.yaml'],
      ...['--env-dut', '/lab/env-dut.yaml', `/jobs/${id}/job.yaml`],
    ])
    const late = setTimeout(() => child.kill(), PATIENCE_MS)
    const output = await outputOf(child, createWriteStream(join(job, 'log')))
    clearTimeout(late)
    const seconds = (performance.now() - started) / 1000
    const resultFile = join(job, 'out/result.yaml')
    await access(resultFile).catch(() => {
      throw new Error(`lava-run wrote no result:\n${output}`)
    })
    const log = output.split('\n').flatMap(parseLogLine)
    return {
      result: parse(await readFile(resultFile, 'utf8')) as JobResult,
      log,
      cases: casesOf(log),
      console: textOf(log, 'target'),
      seconds,
    }
  }

  async #run(words: readonly string[]): Promise<string> {
    const child = this.#spawn(words)
    const output = await outputOf(child)
    if (child.exitCode !== 0) throw new Error(`${words.join(' ')}:\n${output}`)
    return output
  }

  #spawn(words: readonly string[], output: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
    const args = ['--pdeathsig', 'KILL', 'sh', resolve('test/lava/enter.sh'), this.#packages, this.#machine, ...words]
    const env = { PATH: '/opt/lab:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' }
    return spawn('setpriv', args, { env, stdio: ['ignore', output, output] })
  }
}

/** A program's standard output and standard error, until it ends. */
async function outputOf(child: ChildProcess, copy?: Writable): Promise<string> {
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => {
      pieces.push(piece)
      copy?.write(piece)
    })
  }
  await once(child, 'close')
  copy?.end()
  return Buffer.concat(pieces).toString()
}

/** lava-run writes one YAML flow mapping per line. */
function parseLogLine(line: string): LogLine[] {
  return line.startsWith('{') ? [parse(line) as LogLine] : []
}

/** The messages of one level, as lines. */
function textOf(log: readonly LogLine[], level: string): string {
  return log
    .filter(({ lvl }) => lvl === level)
    .map(({ msg }) => (typeof msg === 'string' ? msg : JSON.stringify(msg)))
    .join('\n')
}

function casesOf(log: readonly LogLine[]): Map<string, string> {
  const results = log.filter(({ lvl }) => lvl === 'results').map(({ msg }) => msg as Readonly<Record<string, string>>)
  return new Map(results.map(({ definition, case: name, result }) => [`${definition}/${name}`, result ?? '']))
}
