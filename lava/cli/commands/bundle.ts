/** `fauxboot bundle`: pack a job and its files into one ZIP, to send or keep. */

import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { strToU8, Zip, ZipDeflate } from 'fflate'
import { measureFile, outputError } from '../../client/local-file.js'
import { formatBytes } from '../../terminal/quantities.js'
import type { Terminal } from '../../terminal/terminal.js'

interface BundleOptions {
  readonly kernel: string
  readonly ramdisk?: string
  readonly dtb?: string
  readonly overlay?: readonly string[]
  readonly modules?: string
  readonly name?: string
  readonly append: string
  readonly out: string
}

export function define(command: Command, terminal: Terminal): void {
  command
    .requiredOption('--kernel <file>', 'zImage or Image, also compressed or as uImage')
    .option('--ramdisk <file>', 'cpio archive, compressed or not, as the kernel expects it')
    .option('--dtb <file>', 'device tree')
    .option('--overlay <file...>', 'device tree overlays, applied in this order')
    .option('--modules <file>', 'tar or cpio of /lib/modules, appended to the ramdisk')
    .option('--append <text>', 'command line of the kernel', '')
    .option('--name <text>', 'name of the job, for people')
    .requiredOption('--out <file>', 'the ZIP; replaced when it is there')
    .addHelpText(
      'after',
      `
Examples:
  fauxboot bundle --kernel zImage --dtb board.dtb --append "console=ttyS0,115200" --out job.zip
  fauxboot boot --board http://board:8080 --job job.zip`,
    )
    .action((options: BundleOptions) => bundle(options, terminal))
}

/** Names of members are the roles that the agent knows them by. */
function members({ kernel, ramdisk, dtb, overlay = [], modules }: BundleOptions): [name: string, file: string][] {
  const files: [string, string | undefined][] = [
    ['kernel', kernel],
    ['ramdisk', ramdisk],
    ['dtb', dtb],
    ...overlay.map((file, index): [string, string] => [`overlays/${String(index).padStart(2, '0')}.dtbo`, file]),
    ['modules', modules],
  ]
  return files.filter((member): member is [string, string] => member[1] !== undefined)
}

async function bundle(options: BundleOptions, terminal: Terminal): Promise<void> {
  const files = members(options)
  // Everything is looked at before the first byte is written.
  for (const [, file] of files) await measureFile(file, terminal.io.signal)
  const partial = `${options.out}.partial`
  try {
    const output = await open(partial, 'w')
    const size = await pack(output, options, files).finally(() => output.close())
    await rename(partial, options.out)
    terminal.print(`${options.out}: ${files.length} files, ${formatBytes(size)}`)
  } catch (thrown) {
    await rm(partial, { force: true })
    throw thrown instanceof Error && 'syscall' in thrown ? outputError(options.out, thrown) : thrown
  }
}

/** Kernels and ramdisks are compressed already: they are only wrapped. @returns bytes written */
async function pack(output: FileHandle, options: BundleOptions, files: readonly [string, string][]): Promise<number> {
  const ready: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    ready.push(chunk)
  })
  let size = 0
  const flush = async (): Promise<void> => {
    for (const chunk of ready.splice(0)) {
      await output.writeFile(chunk)
      size += chunk.length
    }
  }
  const add = (name: string): ZipDeflate => {
    const member = new ZipDeflate(name, { level: 0 })
    zip.add(member)
    return member
  }
  const { name, append } = options
  add('job.json').push(strToU8(JSON.stringify({ name, cmdline: append })), true)
  for (const [member, file] of files) {
    const entry = add(member)
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      entry.push(chunk, false)
      await flush()
    }
    entry.push(new Uint8Array(0), true)
  }
  zip.end()
  await flush()
  return size
}
