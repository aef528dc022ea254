/** A boot typed at the faked U-Boot over the serial line, as LAVA types it. */

import { fault } from '../../agent/errors.js'
import { isArm64Image } from '../../agent/image/kernel/arm64-image.js'
import { isZImage } from '../../agent/image/kernel/zimage.js'
import { isUImage, packUImage } from '../../agent/image/uboot/uimage.js'
import { readJobInput } from '../client/local-file.js'
import type { Expect } from '../console/expect.js'

/** Roles of files, and their names on a TFTP server that has them from here. */
export const TYPED_ROLES = ['kernel', 'ramdisk', 'dtb'] as const
export type TypedRole = (typeof TYPED_ROLES)[number]

export const BOOT_COMMANDS = ['bootz', 'booti', 'bootm'] as const
export type BootCommand = (typeof BOOT_COMMANDS)[number]

export interface TypedBoot {
  /** the TFTP server as the board sees it; `port` is typed unless it is TFTP's own */
  readonly server: { readonly address: string; readonly port: number }
  /** names on the server */
  readonly files: Readonly<Partial<Record<TypedRole, string>>> & { readonly kernel: string }
  /** where they are loaded: addresses, or variables of the boot loader's environment */
  readonly places: Readonly<Record<TypedRole, string>>
  readonly bootCommand: BootCommand
  readonly cmdline: string
}

/** Receives progress. */
export interface TypingWatcher {
  /** the boot loader waits for commands */
  prompted(): void
  /** the files are loaded; `command` is typed now */
  booting(command: string): void
}

/** Where U-Boot's own environment has them. */
export const ENVIRONMENT_PLACES = {
  kernel: '${kernel_addr_r}',
  dtb: '${fdt_addr_r}',
  ramdisk: '${ramdisk_addr_r}',
} as const

/** UDP port of TFTP (RFC 1350 section 4). */
export const TFTP_PORT = 69

/** For each answer, milliseconds: a large file over a slow link. */
const ANSWER_MS = 600_000

/** Characters of an answer that an error quotes. */
const QUOTED = 300

/** A typed line, the text that its answer must contain, and what to do if it does not. */
type Typed = readonly [line: string, expected?: string, remedy?: string]

/** Not every U-Boot has the three variables; a load to one that is not set would go to another place. */
function placeLines({ files, places }: TypedBoot): readonly Typed[] {
  return TYPED_ROLES.flatMap((role): Typed[] => {
    const [, variable] = /^\$\{(\w+)\}$/.exec(places[role]) ?? []
    if (files[role] === undefined || variable === undefined) return []
    return [[`printenv ${variable}`, `${variable}=`, `say where it is loaded, with --load-at ${role}=0x...`]]
  })
}

/** LAVA's lines of a job with `commands: ramdisk`, method `u-boot`, and one more. */
function loadLines({ server, files, places, cmdline }: TypedBoot): readonly Typed[] {
  const load = (role: TypedRole): readonly Typed[] => {
    const name = files[role]
    return name === undefined ? [] : [[`tftp ${places[role]} ${name}`, 'Bytes transferred = ']]
  }
  return [
    ['setenv autoload no'],
    ['setenv initrd_high 0xffffffff'],
    ['setenv fdt_high 0xffffffff'],
    ['dhcp', 'DHCP client bound'],
    [`setenv serverip ${server.address}`],
    // A lab's server uses TFTP's own port, so LAVA does not type this; only root can bind that port.
    ...(server.port === TFTP_PORT ? [] : [[`setenv tftpdstp ${server.port}`] as const]),
    ...load('kernel'),
    ...load('ramdisk'),
    ['setenv initrd_size ${filesize}'],
    ...load('dtb'),
    [`setenv bootargs '${cmdline}'`],
  ]
}

/** The size lets a ramdisk without U-Boot's header boot; where there is a header, U-Boot goes by that. */
function bootLine({ files, places, bootCommand }: TypedBoot): string {
  const words: string[] = [bootCommand, places.kernel]
  const ramdisk = files.ramdisk === undefined ? '-' : `${places.ramdisk}:\${initrd_size}`
  if (files.ramdisk !== undefined || files.dtb !== undefined) words.push(ramdisk)
  if (files.dtb !== undefined) words.push(places.dtb)
  return words.join(' ')
}

/**
 * From the countdown, or the prompt, to `Starting kernel ...`.
 *
 * @param promptMs how long the boot loader may take to be there, milliseconds
 * @throws CONSOLE_SILENT; BOOT_TYPED when the boot loader answers something else; the console's own errors
 */
export async function typeBoot(
  expect: Expect,
  boot: TypedBoot,
  watcher: TypingWatcher,
  promptMs: number,
): Promise<void> {
  const [greeting] = await expect.waitFor(/Hit any key to stop|=> $/, { timeoutMs: promptMs })
  if (greeting !== '=> ') {
    // A blank stops the countdown, too. If an earlier line end has stopped it, another would make a second prompt,
    // which would pass for the answer to the first command.
    await expect.type(' ')
    await expect.waitFor(/=> +$/, { timeoutMs: ANSWER_MS })
  }
  watcher.prompted()
  for (const typed of [...placeLines(boot), ...loadLines(boot)]) await typeLine(expect, typed, /\n=> $/)
  const line = bootLine(boot)
  watcher.booting(line)
  await typeLine(expect, [line, 'Starting kernel ...'], /Starting kernel \.\.\.|\n=> $/)
}

async function typeLine(expect: Expect, [line, expected = '', remedy]: Typed, end: RegExp): Promise<void> {
  await expect.type(`${line}\n`)
  const { input, index, 0: last } = await expect.waitFor(end, { timeoutMs: ANSWER_MS })
  const answer = input.slice(0, index + last.length)
  if (answer.includes(expected) && !/Unknown command '/.test(answer)) return
  const found = JSON.stringify(answer.slice(-QUOTED))
  throw fault('BOOT_TYPED', { line, found: remedy === undefined ? found : `${found}; ${remedy}` })
}

/** Bytes of a file that is served; all are in memory at once. */
const FILE_LIMIT = 2 ** 30

/** Files for a TFTP server, by role, and the command that boots them. */
export interface ServedTarget {
  readonly files: ReadonlyMap<TypedRole, Uint8Array>
  readonly bootCommand: BootCommand
}

/**
 * Read the files of a target; the ramdisk gets the header that LAVA's `mkimage` gives it.
 *
 * @throws CLI_FILE
 */
export async function servedTarget(paths: TypedBoot['files']): Promise<ServedTarget> {
  const kernel = await readJobInput(paths.kernel, FILE_LIMIT)
  const files = new Map<TypedRole, Uint8Array>([['kernel', kernel]])
  if (paths.dtb !== undefined) files.set('dtb', await readJobInput(paths.dtb, FILE_LIMIT))
  if (paths.ramdisk !== undefined) {
    const ramdisk = await readJobInput(paths.ramdisk, FILE_LIMIT)
    const arch = isArm64Image(kernel) ? 'arm64' : 'arm'
    const header = { type: 'ramdisk', arch, compression: 'none', load: 0, entry: 0, name: '' } as const
    const time = Math.floor(Date.now() / 1000)
    files.set('ramdisk', isUImage(ramdisk) ? ramdisk : packUImage({ ...header, time }, ramdisk))
  }
  return { files, bootCommand: isZImage(kernel) ? 'bootz' : isArm64Image(kernel) ? 'booti' : 'bootm' }
}
