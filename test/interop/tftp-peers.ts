/** The TFTP servers and clients that fauxboot is tried against: Debian's, and the one of npm. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { access, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { getuid } from 'node:process'
import { promisify } from 'node:util'
import { CACHE_DIR } from '../../systemd/paths.js'

const run = promisify(execFile)

/** A server that runs. */
export interface PeerServer {
  readonly name: string
  readonly address: string
  readonly port: number
  /** it takes files */
  readonly writable: boolean
  stop(): Promise<void>
}

/** Debian's servers exclude each other and would start as services: they are unpacked here, not installed. */
const UNPACKED = join(CACHE_DIR, 'tftp-peers')

/** The program of a Debian package that is not to be installed. */
async function unpacked(debianPackage: string, program: string): Promise<string> {
  const directory = join(UNPACKED, debianPackage)
  const path = join(directory, program)
  const there = await access(path).then(
    () => true,
    () => false,
  )
  if (there) return path
  await mkdir(directory, { recursive: true })
  await run('apt-get', ['download', '--quiet', '--quiet', debianPackage], { cwd: directory }).catch(
    (cause: unknown) => {
      throw new Error(`package ${debianPackage} cannot be downloaded: run "apt-get update", then try again`, { cause })
    },
  )
  const archive = (await readdir(directory)).find(name => name.endsWith('.deb')) ?? ''
  await run('dpkg-deb', ['--extract', archive, directory], { cwd: directory })
  return path
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** dnsmasq knows no other port for TFTP; this address keeps it out of the way of a server on this machine. */
const DNSMASQ = { address: '127.0.0.69', port: 69 }

interface ServerRecipe {
  readonly name: string
  readonly writable: boolean
  readonly fixed?: { readonly address: string; readonly port: number }
  program(): Promise<string>
  args(directory: string, address: string, port: number): readonly string[]
}

const SERVERS: readonly ServerRecipe[] = [
  {
    name: 'tftpd-hpa',
    writable: true,
    program: () => unpacked('tftpd-hpa', 'usr/sbin/in.tftpd'),
    args: (directory, address, port) => [
      ...['--foreground', '--listen', '--user', 'root', '--create', '--umask', '000'],
      ...['--address', `${address}:${port}`, '--secure', directory],
    ],
  },
  {
    name: 'atftpd',
    writable: true,
    program: () => unpacked('atftpd', 'usr/sbin/atftpd'),
    args: (directory, address, port) => [
      ...['--daemon', '--no-fork', '--user', 'root', '--group', 'root', '--logfile', '/dev/null'],
      ...['--bind-address', address, '--port', String(port), directory],
    ],
  },
  {
    name: 'dnsmasq',
    writable: false,
    fixed: DNSMASQ,
    program: async () => '/usr/sbin/dnsmasq',
    args: (directory, address) => [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--bind-interfaces'],
      ...[`--listen-address=${address}`, '--enable-tftp', `--tftp-root=${directory}`, '--tftp-max=200', '--pid-file='],
      '--log-facility=/dev/null',
    ],
  },
]

/** A request for nothing, to see whether somebody answers. */
const PROBE = Buffer.from('\0\x01no-such-file\0octet\0', 'latin1')

/** Wait until the server answers. */
async function answering(address: string, port: number, process: ChildProcess, name: string): Promise<void> {
  const socket = createSocket('udp4')
  const answered = once(socket, 'message')
  socket.bind(0)
  const asking = setInterval(() => socket.send(PROBE, port, address), 50)
  const ended = once(process, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code} before it answered`)
  })
  try {
    await Promise.race([answered, ended])
  } finally {
    clearInterval(asking)
    socket.close()
  }
}

/**
 * Start the servers, all of them over one directory.
 *
 * @param wanted which of them
 * @param place where those are that take any; default a free port of loopback
 * @throws when the user is not root: they take port 69 and change their root directory
 */
export async function startPeerServers(
  directory: string,
  wanted: (name: string) => boolean = () => true,
  place?: { readonly address: string; readonly port: number },
): Promise<PeerServer[]> {
  if (getuid?.() !== 0) throw new Error('the other TFTP servers can be started by root only: run these tests as root')
  return Promise.all(
    SERVERS.filter(({ name }) => wanted(name)).map(async ({ name, writable, fixed, program, args }) => {
      const { address, port } = fixed ?? place ?? { address: '127.0.0.1', port: await freePort() }
      const child = spawn(await program(), args(directory, address, port), { stdio: 'ignore' })
      await answering(address, port, child, name)
      const stop = async (): Promise<void> => {
        const ended = once(child, 'exit')
        child.kill()
        await ended
      }
      return { name, address, port, writable, stop }
    }),
  )
}

export interface ClientJob {
  readonly port: number
  readonly remote: string
  readonly local: string
  readonly blockSize: number
  readonly windowSize: number
}

export interface PeerClient {
  readonly name: string
  /** windows that it can be told to use */
  readonly windows: readonly number[]
  /** it puts the blocks of a window in order: npm's writes them as they come (a misspelt name in its reader.js) */
  readonly sortsWindows: boolean
  get(job: ClientJob): readonly string[]
  put(job: ClientJob): readonly string[]
}

const HOST = '127.0.0.1'
const url = ({ port, remote }: ClientJob): string => `tftp://${HOST}:${port}/${remote}`
const curl = ({ blockSize }: ClientJob): string[] => ['curl', '--silent', '--tftp-blksize', String(blockSize)]
const atftp = (job: ClientJob): string[] => [
  ...['atftp', '--option', `blksize ${job.blockSize}`],
  ...(job.windowSize > 1 ? ['--option', `windowsize ${job.windowSize}`] : []),
  ...['--local-file', job.local, '--remote-file', job.remote],
]
const hpa = ({ port }: ClientJob): string[] => ['tftp', '-m', 'binary', HOST, String(port), '-c']
const busybox = (job: ClientJob): string[] => [
  ...['busybox', 'tftp', '-b', String(job.blockSize), '-r', job.remote, '-l', job.local],
]
const npm = (operation: string, { port, remote, local, blockSize, windowSize }: ClientJob): string[] => [
  ...[process.execPath, resolve('test/interop/npm-tftp-client.mjs'), operation],
  ...[String(port), remote, local, String(blockSize), String(windowSize)],
]

/** The clients as command lines. tftp-hpa's has no options at all. */
export const PEER_CLIENTS: readonly PeerClient[] = [
  {
    name: 'curl',
    windows: [1],
    sortsWindows: true,
    get: job => [...curl(job), '--output', job.local, url(job)],
    put: job => [...curl(job), '--upload-file', job.local, url(job)],
  },
  {
    name: 'tftp-hpa',
    windows: [1],
    sortsWindows: true,
    get: job => [...hpa(job), 'get', job.remote, job.local],
    put: job => [...hpa(job), 'put', job.local, job.remote],
  },
  {
    name: 'atftp',
    windows: [1, 4, 64],
    sortsWindows: true,
    get: job => [...atftp(job), '--get', HOST, String(job.port)],
    put: job => [...atftp(job), '--put', HOST, String(job.port)],
  },
  {
    name: 'busybox',
    windows: [1],
    sortsWindows: true,
    get: job => [...busybox(job), '-g', HOST, String(job.port)],
    put: job => [...busybox(job), '-p', HOST, String(job.port)],
  },
  {
    name: 'npm tftp 0.1.2',
    windows: [1, 4],
    sortsWindows: false,
    get: job => npm('get', job),
    put: job => npm('put', job),
  },
]

/**
 * Run a client.
 *
 * @param timeoutMs after which it is ended
 * @returns whether it says that it succeeded
 */
export async function runClient(words: readonly string[], timeoutMs: number): Promise<boolean> {
  const [program = '', ...args] = words
  try {
    await run(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL' })
    return true
  } catch {
    return false
  }
}
