/**
 * A boot script, as `mkimage -T script` wraps it or as plain text. It is read, not run: `setenv`, then one `bootz`,
 * `booti` or `bootm` that names pushed files. Whatever else a script may say is refused, for it would mean another boot.
 */

import { isUImage, parseUImage } from '../../image/uboot/uimage.js'
import { invalid, readText } from './fields.js'

/** What a script boots: always a kernel. */
export interface BootScript {
  /** with the ramdisk that was pushed */
  readonly ramdisk: boolean
  /** with the device tree that was pushed; else the running kernel's */
  readonly dtb: boolean
  /** `bootargs`; empty when it is not set */
  readonly cmdline: string
}

/** Any of them boots any file: the magic identifies the format. */
const BOOTS: readonly string[] = ['bootz', 'booti', 'bootm']
/** The operands of a boot command in order, and the variables for them: both mean the pushed files. */
const OPERANDS = [
  { role: 'kernel', place: 'kernel_addr_r' },
  { role: 'ramdisk', place: 'ramdisk_addr_r' },
  { role: 'dtb', place: 'fdt_addr_r' },
] as const

/** Bytes of a script, which has a few hundred. */
const LONGEST = 64 * 1024
/** Nested variables must not expand it beyond this. */
const LONGEST_VALUE = 8192

const BLANKS = /[ \t\r]+/y
/**
 * A part of a word: in single quotes, in double quotes, escaped, a variable in braces or bare, plain. This grammar covers
 * nothing else of U-Boot's shell (`&&`, quotes over several lines, its special rules for a backslash in quotes).
 */
const PART = /'([^'\\]*)'|"([^"\\]*)"|\\(.)|\$\{(\w+)\}|\$(\w+)|([^ \t\r;'"\\$&|]+|\$(?!\{))/y

type Variables = Map<string, string>

/** A line of the script while it is read. */
class ScriptLine {
  readonly #where: string
  readonly #variables: Variables

  constructor(number: number, variables: Variables) {
    this.#where = `boot.scr line ${number}`
    this.#variables = variables
  }

  refuse(reason: string) {
    return invalid(this.#where, reason)
  }

  /** The commands of the line as words, each with the variables set before it. */
  *commands(text: string): Generator<string[]> {
    let words: string[] = []
    let word: string | null = null
    for (let at = 0; at < text.length; ) {
      BLANKS.lastIndex = at
      const blank = BLANKS.test(text)
      const end = text[at] === ';'
      if (!blank && !end) {
        // A comment begins at the start of a word only.
        if (text[at] === '#' && word === null) break
        PART.lastIndex = at
        const part = PART.exec(text)
        if (part === null) throw this.refuse(`cannot be understood from character ${at + 1} on`)
        word = this.#bounded((word ?? '') + this.#text(part))
        at = PART.lastIndex
        continue
      }
      if (word !== null) words.push(word)
      word = null
      at = blank ? BLANKS.lastIndex : at + 1
      if (!end) continue
      yield words
      words = []
    }
    yield word === null ? words : [...words, word]
  }

  /** What a match of {@link PART} adds to its word. */
  #text([, single, double, escaped, braced, bare, plain]: readonly (string | undefined)[]): string {
    const name = braced ?? bare
    if (name !== undefined) return this.#value(name)
    if (double === undefined) return single ?? escaped ?? plain ?? ''
    return double.replace(/\$\{([^}]*)\}?|\$(\w+)/g, (_, inBraces, alone) => this.#value(inBraces ?? alone))
  }

  #value(name: string): string {
    const value = this.#variables.get(name)
    if (value === undefined)
      throw this.refuse(`uses the variable ${JSON.stringify(name.slice(0, 80))}, which the script does not set`)
    return value
  }

  #bounded(text: string): string {
    if (text.length > LONGEST_VALUE) throw this.refuse(`has a word of more than ${LONGEST_VALUE} characters`)
    return text
  }
}

function setVariable(line: ScriptLine, [name = '', ...values]: readonly string[], variables: Variables): void {
  if (!/^\w{1,64}$/.test(name)) throw line.refuse(`sets a variable of the name ${JSON.stringify(name.slice(0, 80))}`)
  const value = values.join(' ')
  if (value.length > LONGEST_VALUE) throw line.refuse(`sets ${name} to more than ${LONGEST_VALUE} characters`)
  if (values.length === 0) variables.delete(name)
  else variables.set(name, value)
}

function bootOf(line: ScriptLine, command: string, operands: readonly string[], variables: Variables): BootScript {
  if (operands.length > OPERANDS.length) throw line.refuse(`has more than three operands after ${command}`)
  const [, ramdisk = false, dtb = false] = OPERANDS.map(({ role, place }, index) => {
    const operand = operands[index] ?? (role === 'kernel' ? role : '-')
    if (operand === role) return true
    if (operand === '-' && role !== 'kernel') return false
    throw line.refuse(`boots ${JSON.stringify(operand.slice(0, 80))}; here is ${role}, or \${${place}}`)
  })
  return { ramdisk, dtb, cmdline: readText(variables.get('bootargs') ?? '', 'bootargs', LONGEST_VALUE) }
}

/** The text of a script. @throws FORMAT_* for a damaged uImage, JOB_INVALID for one that is not a script */
function scriptText(bytes: Uint8Array): string {
  if (!isUImage(bytes)) return Buffer.from(bytes).toString('utf8')
  const { type, compression, parts } = parseUImage(bytes, 'boot.scr')
  const [script] = parts
  if (type !== 'script' || compression !== 'none' || script === undefined) {
    throw invalid('boot.scr', `is a uImage of type ${type}, compression ${compression}; a script without is read`)
  }
  return Buffer.from(script).toString('utf8')
}

/**
 * Read a boot script.
 *
 * @param bytes at most 64 KiB
 * @throws JOB_INVALID with the line and its unknown part; FORMAT_* for a damaged uImage
 */
export function parseBootScript(bytes: Uint8Array): BootScript {
  if (bytes.length > LONGEST) throw invalid('boot.scr', `has ${bytes.length} bytes, at most ${LONGEST} are possible`)
  const variables: Variables = new Map(OPERANDS.map(({ role, place }) => [place, role]))
  let boot: BootScript | null = null
  for (const [index, text] of scriptText(bytes).split('\n').entries()) {
    const line = new ScriptLine(index + 1, variables)
    for (const [command, ...operands] of line.commands(text)) {
      if (command === undefined) continue
      if (boot !== null) throw line.refuse(`has ${JSON.stringify(command)} after the boot, which does not return`)
      if (command === 'setenv') setVariable(line, operands, variables)
      else if (BOOTS.includes(command)) boot = bootOf(line, command, operands, variables)
      else {
        const known = ['setenv', ...BOOTS].join(', ')
        throw line.refuse(`has the command ${JSON.stringify(command.slice(0, 80))}; understood here: ${known}`)
      }
    }
  }
  if (boot === null) throw invalid('boot.scr', `boots nothing: it contains none of ${BOOTS.join(', ')}`)
  return boot
}
