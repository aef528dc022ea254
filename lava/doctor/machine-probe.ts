/** What the doctor asks this machine. Tests replace it. */

import { constants } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface MachineProbe {
  /** `20.19.2` */
  readonly nodeVersion: string
  readonly isRoot: boolean
  /** whether a program is in the path, or where Debian keeps those of root */
  hasProgram(name: string): Promise<boolean>
  hasFile(path: string): Promise<boolean>
  /** serial adapters, by path, and whether this user may open them */
  serialPorts(): Promise<readonly { readonly path: string; readonly open: boolean }[]>
  /** whether something on this machine takes datagrams at a port; null if that cannot be seen */
  takesDatagrams(port: number): Promise<boolean | null>
  /** whether a module of Node's can be loaded here */
  loads(module: string): Promise<boolean>
}

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )

/** Debian's folders for programs of root, which a user's PATH lacks. */
const MORE_PLACES = ['/usr/sbin', '/sbin']
const ADAPTERS = /^tty(?:USB|ACM)\d+$/

/** A table of `/proc/net`: the second column is the local address and port in hex. */
async function portsIn(table: string): Promise<readonly number[]> {
  const rows = (await readFile(table, 'utf8')).split('\n').slice(1)
  return rows.map(row => Number.parseInt(row.trim().split(/\s+/)[1]?.split(':')[1] ?? '', 16))
}

export const thisMachine: MachineProbe = {
  nodeVersion: process.versions.node,
  isRoot: process.getuid?.() === 0,
  async hasProgram(name) {
    const places = [...(process.env.PATH ?? '').split(delimiter), ...MORE_PLACES].filter(place => place !== '')
    const found = await Promise.all(places.map(place => may(join(place, name), constants.X_OK)))
    return found.includes(true)
  },
  hasFile: path => may(path, constants.R_OK),
  async serialPorts() {
    const names = await readdir('/dev').catch(() => [])
    const paths = names.filter(name => ADAPTERS.test(name)).map(name => join('/dev', name))
    return Promise.all(paths.map(async path => ({ path, open: await may(path, constants.R_OK | constants.W_OK) })))
  },
  async takesDatagrams(port) {
    const tables = await Promise.all(['/proc/net/udp', '/proc/net/udp6'].map(table => portsIn(table).catch(() => null)))
    const seen = tables.filter(ports => ports !== null)
    return seen.length === 0 ? null : seen.some(ports => ports.includes(port))
  },
  loads: module =>
    import(module).then(
      () => true,
      () => false,
    ),
}
