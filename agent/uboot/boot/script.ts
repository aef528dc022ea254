/** Scripts in memory: found as a legacy image, in a FIT or as plain text, and run. */

import type { MemoryPart } from '../hardware/boot-target.js'
import { fitConfiguration, fitImage, readFit, verifyFitImage } from '../image/fit-image.js'
import { imageFormat, legacyDataIntact, legacyParts, readLegacyHeader, verifies } from '../image/legacy-image.js'
import { parseHex } from '../lib/numbers.js'
import { buildAddress, type Machine } from '../machine/machine.js'

/** Bytes of a script; those that labs use have some 10,000. The shell reads a whole script before it runs it. */
const LONGEST = 64 * 1024

/** A script to look for. Of `image` and `configuration` at most one is there; an empty one means the default. */
export interface ScriptPlace {
  readonly address: number
  readonly image: string | null
  readonly configuration: string | null
}

/**
 * `[ADDR][:IMAGE|#CONFIGURATION]`. A name without an address is looked for at the default address of images. Without a word,
 * U-Boot takes the address that its build was given, whatever was loaded since.
 */
export function parseScriptPlace(machine: Machine, text: string | undefined): ScriptPlace {
  if (text === undefined) return { address: buildAddress(machine), image: null, configuration: null }
  const [, where = '', mark, name = ''] = /^([^:#]*)(?:([:#])(.*))?$/s.exec(text) ?? []
  const address = where === '' ? machine.state.loadAddress : parseHex(where)
  return { address, image: mark === ':' ? name : null, configuration: mark === '#' ? name : null }
}

/** The location of a script, or U-Boot's message if there is none. */
type Script = MemoryPart | string

/** U-Boot's `source` has its own messages for a bad header. */
const REFUSALS = { 'Bad Magic Number': 'Bad magic number', 'Bad Header Checksum': 'Bad header crc' } as const

async function legacyScript(machine: Machine, { address }: ScriptPlace, signal: AbortSignal): Promise<Script> {
  const header = readLegacyHeader(machine, address)
  if (header === 'Bad Magic Number' || header === 'Bad Header Checksum') return REFUSALS[header]
  if (typeof header === 'string') return header
  if (verifies(machine) && !(await legacyDataIntact(machine, address, header, signal))) return 'Bad data crc'
  if (header.type !== 'script') return 'Bad image type'
  return legacyParts(machine, address, header)[0] ?? 'Empty Script'
}

/** The name of the script image, or U-Boot's message if there is none. */
function scriptName(machine: Machine, address: number, { image, configuration }: ScriptPlace) {
  const fit = readFit(machine, address)
  if (fit === null) return { error: 'Bad FIT image format' }
  if (image === null) {
    const found = fitConfiguration(fit, configuration || null)
    const name = found?.images.get('script')?.[0]
    if (name !== undefined) return { fit, name }
    if (configuration !== null) {
      return { error: `Could not find ${found === null ? 'config' : 'script in'} ${configuration}` }
    }
  }
  const name = image || fit.defaultImage
  return name === null ? { error: 'No FIT subimage unit name' } : { fit, name }
}

async function fitScript(machine: Machine, wanted: ScriptPlace, signal: AbortSignal): Promise<Script> {
  const { address } = wanted
  const chosen = scriptName(machine, address, wanted)
  if (chosen.error !== undefined) return chosen.error
  const image = fitImage(chosen.fit, chosen.name)
  if (image === null) return `Can't find '${chosen.name}' FIT subimage`
  if (image.type !== 'script') return 'Not a image image'
  if (verifies(machine) && !(await verifyFitImage(machine, address, image, signal))) return 'Bad Data Hash'
  if (image.data === null) return 'Could not find script subimage data'
  return { address: address + image.data.offset, size: image.data.size }
}

/**
 * A script that is not an image. U-Boot refuses text, because it cannot know where it ends; here, text whose first two bytes say that
 * it is a script runs up to the first NUL.
 */
function plainScript(machine: Machine, { address }: ScriptPlace): Script {
  const { memory } = machine
  const mark = memory.read(address, 2).toString('latin1')
  if (mark !== '#!') return 'Wrong image format for "source" command'
  const end = memory.ranges.find(range => address >= range.start && address < range.end)?.end ?? address
  const text = memory.read(address, Math.min(LONGEST + 1, end - address))
  const size = text.indexOf(0)
  return { address, size: size === -1 ? text.length : size }
}

/**
 * Run the script at a place.
 *
 * @returns `$?`; 1 if there is none, with the reason printed
 */
export async function runScript(machine: Machine, place: ScriptPlace, signal: AbortSignal): Promise<number> {
  const format = imageFormat(machine, place.address)
  const find = format === 'legacy' ? legacyScript : format === 'fit' ? fitScript : plainScript
  const script = await find(machine, place, signal)
  if (typeof script === 'string' || script.size > LONGEST) {
    machine.out.write(`${typeof script === 'string' ? script : 'Script too long'}\n`)
    return 1
  }
  const text = machine.memory.read(script.address, script.size).toString('latin1')
  return await machine.shell.run(text, signal, 'script')
}
