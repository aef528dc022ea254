/** What `fauxboot doctor` looks at: one row for each thing that a purpose needs. */

import { AGENT_BUNDLE, AGENT_PREBUILDS } from '../../systemd/paths.js'
import type { MachineProbe } from './machine-probe.js'

/** What a person wants to do, and how the doctor calls it. */
export const PURPOSES = {
  console: 'the fake U-Boot without a board: fauxboot console',
  lab: 'boards on the desk or in a lab: fauxboot boot, acceptance, pull',
  image: 'images and SD cards: fauxboot image',
  demo: 'boards in QEMU: npm run demo',
} as const

export type Purpose = keyof typeof PURPOSES

/** `ok`, `lacks`, or `note`: it may be as it should be. */
export type Verdict = 'ok' | 'lacks' | 'note'

export interface Finding {
  readonly verdict: Verdict
  /** what was looked at */
  readonly what: string
  readonly purposes: readonly Purpose[]
  /** the line that mends it; empty where nothing is to be mended */
  readonly fix: string
  /** the Debian package that it is in */
  readonly package?: string
}

type Check = (probe: MachineProbe) => Promise<readonly Finding[]>

const ALL = Object.keys(PURPOSES) as Purpose[]

/** Programs, the Debian package of each, and what for. */
const PROGRAMS: readonly (readonly [program: string, debian: string, ...purposes: Purpose[]])[] = [
  ['ping', 'iputils-ping', 'console'],
  ['mdir', 'mtools', 'console', 'image'],
  ['debugfs', 'e2fsprogs', 'console'],
  ['xz', 'xz-utils', 'lab', 'image', 'demo'],
  ['zstd', 'zstd', 'lab'],
  ['mmdebstrap', 'mmdebstrap', 'image', 'demo'],
  ['lz4', 'lz4', 'image', 'demo'],
  ['readelf', 'binutils', 'image', 'demo'],
  ['depmod', 'kmod', 'image', 'demo'],
  ['qemu-arm', 'qemu-user', 'image', 'demo'],
  ['arm-linux-gnueabihf-gcc', 'gcc-arm-linux-gnueabihf', 'image', 'demo'],
  ['mkfs.vfat', 'dosfstools', 'image'],
  ['mkenvimage', 'u-boot-tools', 'image'],
  ['lsblk', 'util-linux', 'image'],
  ['blockdev', 'util-linux', 'image'],
  ['qemu-system-arm', 'qemu-system-arm', 'demo'],
]

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Least version of Node: package.json. */
const NODE = [20, 19] as const

const install = (debian: string): string => `sudo apt-get install ${debian}`

const finding = (
  isThere: boolean,
  what: string,
  purposes: readonly Purpose[],
  fix: string,
  debian?: string,
): Finding => ({
  verdict: isThere ? 'ok' : 'lacks',
  what,
  purposes,
  fix: isThere ? '' : fix,
  ...(debian === undefined || isThere ? {} : { package: debian }),
})

const node: Check = async ({ nodeVersion }) => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const isNew = major > NODE[0] || (major === NODE[0] && minor >= NODE[1])
  // Debian 12's own is too old, and its npm installs a newer one.
  const newer = 'on Debian 12 then: sudo npm install --global node@20, and open a new shell'
  const fix = `install Node 20.19 or newer: ${install('nodejs npm')}; ${newer}`
  return [finding(isNew, `Node ${nodeVersion}`, ALL, fix)]
}

const programs: Check = async probe =>
  Promise.all(
    PROGRAMS.map(async ([program, debian, ...purposes]) =>
      finding(await probe.hasProgram(program), program, purposes, install(debian), debian),
    ),
  )

const keyring: Check = async probe => {
  const debian = 'debian-archive-keyring'
  return [finding(await probe.hasFile(KEYRING), KEYRING, ['image', 'demo'], install(debian), debian)]
}

/** mmdebstrap unpacks packages in a user namespace of its own. */
const userNamespaces: Check = async probe => {
  if (probe.isRoot) return []
  return [finding(await probe.hasProgram('newuidmap'), 'newuidmap', ['image', 'demo'], install('uidmap'), 'uidmap')]
}

const agent: Check = async probe => {
  const files = [AGENT_BUNDLE, AGENT_PREBUILDS]
  const found = await Promise.all(files.map(file => probe.hasFile(file)))
  const fix = 'npm run build (in a clone: sh test/setup.sh image), or install the package again'
  return [finding(!found.includes(false), "the agent's bundle and its addon for the boards", ['image', 'demo'], fix)]
}

const serialModule: Check = async probe => [
  finding(await probe.loads('serialport'), 'serial ports in Node', ['lab'], 'npm rebuild @serialport/bindings-cpp'),
]

const serialPorts: Check = async probe => {
  const ports = await probe.serialPorts()
  if (ports.length === 0) {
    const fix = "plug the board's serial adapter in, or name a console with telnet:// or tcp://"
    return [{ verdict: 'note', what: 'no USB serial adapter', purposes: ['lab'], fix }]
  }
  const fix = 'sudo usermod -aG dialout "$USER", then log in again'
  return ports.map(({ path, open }) => finding(open, path, ['lab'], fix))
}

/** RFC 1350 section 4: requests go to port 69. */
const TFTP_PORT = 69

const tftp: Check = async probe => {
  const taken = await probe.takesDatagrams(TFTP_PORT)
  if (taken === true) return [finding(true, 'a TFTP server (UDP port 69)', ['lab'], '')]
  const fix = `${install('tftpd-hpa')}, if boards are to fetch from this machine by TFTP, as LAVA's do`
  return [{ verdict: 'note', what: 'no TFTP server (UDP port 69)', purposes: ['lab'], fix }]
}

const CHECKS: readonly Check[] = [node, programs, keyring, userNamespaces, agent, serialModule, serialPorts, tftp]

/**
 * Look at this machine.
 *
 * @param purpose null: all of them
 */
export async function examine(probe: MachineProbe, purpose: Purpose | null): Promise<readonly Finding[]> {
  const found = (await Promise.all(CHECKS.map(check => check(probe)))).flat()
  return found.filter(({ purposes }) => purpose === null || purposes.includes(purpose))
}

/** One line that installs all Debian packages that are missing; null if none is. */
export function installLine(findings: readonly Finding[]): string | null {
  const names = new Set(findings.flatMap(({ verdict, package: name }) => (verdict === 'lacks' && name ? [name] : [])))
  return names.size === 0 ? null : install([...names].sort().join(' '))
}
