/**
 * The programs of other projects that tests compare with (dtc, mkimage, xz, ...), and the native addon. A machine may
 * lack them: then the tests that need them are skipped, with the reason. With `CI` set they fail instead.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { loadAddon } from '../native/addon.js'

/** Each program's Debian package. */
const PACKAGES = {
  bzip2: 'bzip2',
  cpio: 'cpio',
  curl: 'curl',
  'dpkg-deb': 'dpkg',
  dtc: 'device-tree-compiler',
  fdtoverlay: 'device-tree-compiler',
  fw_printenv: 'libubootenv-tool',
  groff: 'groff-base',
  gzip: 'gzip',
  lintian: 'lintian',
  lz4: 'lz4',
  mkenvimage: 'u-boot-tools',
  mkimage: 'u-boot-tools',
  partx: 'util-linux',
  readelf: 'binutils',
  script: 'bsdutils',
  socat: 'socat',
  'systemd-analyze': 'systemd',
  xz: 'xz-utils',
  zstd: 'zstd',
} as const

export type Program = keyof typeof PACKAGES

/** A program, the addon for this machine, or a file that a command makes. */
export type Need = Program | 'addon' | { readonly file: string; readonly madeBy: string }

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error) return false
      throw error
    }
  })
}

/** Why a need is not met; undefined if it is. */
function problemOf(need: Need): string | undefined {
  if (typeof need === 'object') return existsSync(need.file) ? undefined : `${need.madeBy} did not make ${need.file}`
  if (need !== 'addon') return isInstalled(need) ? undefined : `${need} is not installed (Debian: ${PACKAGES[need]})`
  try {
    loadAddon()
    return undefined
  } catch (error) {
    return `the native addon is not built: ${error instanceof Error ? error.message : error}`
  }
}

/** Why needs are not met; undefined if all are. @throws Error with the reason if `CI` is set */
function problemsOf(needed: readonly Need[]): string | undefined {
  const reason = needed.map(problemOf).filter(Boolean).join('; ')
  if (reason === '') return undefined
  if (process.env.CI) throw new Error(reason)
  return reason
}

/** Options of a test that needs programs or the addon: `t.test('name', needs('dtc'), async t => ...)`. */
export function needs(...needed: readonly Need[]): { skip: string | false } {
  return { skip: problemsOf(needed) ?? false }
}

/** End the test file as skipped unless it has what all of its tests need. Call it before anything else. */
export function fileNeeds(...needed: readonly Need[]): void {
  const reason = problemsOf(needed)
  if (reason === undefined) return
  t.plan(0, reason)
  process.exit()
}

/**
 * Run a program and return its output.
 *
 * @param input for its standard input
 * @throws Error with its standard error if it cannot be started or fails
 */
export function peer(
  command: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(),
  cwd = '.',
): Buffer {
  return execFileSync(command, args, { input, cwd, maxBuffer: 0x1000_0000, stdio: ['pipe', 'pipe', 'pipe'] })
}
