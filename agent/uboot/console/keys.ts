/** Keys of a terminal that send more than one byte, as the control characters that do the same (ECMA-48, xterm). */

const control = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 0x40)

const CURSOR: Readonly<Record<string, string>> = {
  A: control('P'),
  B: control('N'),
  C: control('F'),
  D: control('B'),
  F: control('E'),
  H: control('A'),
}

const SEQUENCES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(CURSOR).flatMap(([letter, key]): [string, string][] => [
    [`\x1b[${letter}`, key],
    [`\x1bO${letter}`, key],
  ]),
  ['\x1b[1~', control('A')],
  ['\x1b[7~', control('A')],
  ['\x1b[3~', control('D')],
  ['\x1b[4~', control('E')],
  ['\x1b[8~', control('E')],
  // The marks around a bracketed paste.
  ['\x1b[200~', ''],
  ['\x1b[201~', ''],
])

const PREFIXES: ReadonlySet<string> = new Set(
  [...SEQUENCES.keys()].flatMap(sequence => [...sequence].map((_, length) => sequence.slice(0, length + 1))),
)

export class KeyDecoder {
  #pending = ''

  /**
   * One more character.
   *
   * @returns its meaning; empty while a sequence is incomplete; for an unknown sequence everything except its ESC
   */
  decode(character: string): string {
    if (this.#pending === '' && character !== '\x1b') return character
    const sequence = this.#pending + character
    const key = SEQUENCES.get(sequence)
    this.#pending = key === undefined && PREFIXES.has(sequence) ? sequence : ''
    if (this.#pending !== '') return ''
    return key ?? sequence.slice(1)
  }

  /** Forget a sequence that was begun: its line has ended. */
  reset(): void {
    this.#pending = ''
  }
}
