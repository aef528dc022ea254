/**
 * Regular expressions in the dialect of SLRE, which U-Boot has for `setexpr` and `test`: `^ $ . [] [^] () | * + ? *? +?`
 * and the escapes `\n \r \t \0 \s \S \d`; any other character behind a backslash is itself. There are no counted
 * repetitions. Its matcher counts its steps, so that no expression can hang the machine.
 */

type Test = (code: number) => boolean

/** A step of the matcher. Jumps count from the instruction itself; `slot` numbers a position that is kept. */
type Instruction =
  | { readonly op: 'character'; readonly test: Test }
  | { readonly op: 'start' | 'end' }
  | { readonly op: 'jump'; readonly to: number }
  /** go on at `first`; if that fails, at `second` */
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'keep' | 'forget'; readonly slot: number }
  /** fail at the position that was kept: a round that matches nothing would repeat forever */
  | { readonly op: 'moved'; readonly slot: number }
  | { readonly op: 'close'; readonly group: number }

type Program = readonly Instruction[]

/** Start and end of the matches of an expression and its groups; number 0 is the whole match. */
export type Captures = readonly (readonly [start: number, end: number] | undefined)[]

/** steps, some tenths of a second on a board */
const BUDGET = 1_000_000
/** characters of an expression; SLRE has room for 256 bytes of code */
const LONGEST = 2048
/** groups in groups */
const DEEPEST = 200

const isSpace: Test = code => code === 32 || (code >= 9 && code <= 13)
const CLASSES: Readonly<Record<string, Test>> = {
  s: isSpace,
  S: code => !isSpace(code),
  d: code => code >= 48 && code <= 57,
}
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0' }

/** Escapes by the character after the backslash. */
function escaped(letter: string): Test {
  const code = (CONTROLS[letter] ?? letter).charCodeAt(0)
  return CLASSES[letter] ?? (found => found === code)
}

/** The expression is invalid or too costly: the text follows `Error compiling regex: `. */
export class SlreError extends Error {}

/** Of each group: where it was entered, and start and end of its match. The slots of loops follow. */
const SLOTS_OF_GROUP = 3

class Compiler {
  readonly #text: string
  #at = 0
  #groups = 0
  /** groups have numbers below this: no slot of a loop is one of theirs */
  #loops = LONGEST

  constructor(text: string) {
    this.#text = text
  }

  compile(): Program {
    if (this.#text.length > LONGEST) throw new SlreError('RE is too long (code overflow)')
    const program = this.#group(0)
    if (this.#at < this.#text.length) throw new SlreError('Unbalanced brackets')
    return program
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #group(depth: number): Program {
    if (depth > DEEPEST) throw new SlreError('RE is too long (code overflow)')
    const group = this.#groups
    this.#groups += 1
    const alternatives: Instruction[][] = [[]]
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#take('|')) alternatives.push([])
      else alternatives.at(-1)?.push(...this.#repeat(this.#atom(depth)))
    }
    return [{ op: 'keep', slot: group * SLOTS_OF_GROUP }, ...oneOf(alternatives), { op: 'close', group }]
  }

  #repeat(body: Program): Program {
    if (this.#take('?')) return this.#loop(body, false, true)
    if (this.#take('*')) return this.#loop(body, true, !this.#take('?'))
    if (!this.#take('+')) return body
    const greedy = !this.#take('?')
    if (body[0]?.op === 'character') return [...body, choice(greedy, -1, 1)]
    const slot = this.#slot()
    // The first round may match nothing.
    const round: Program = [...body, { op: 'moved', slot }]
    const back: Instruction = { op: 'jump', to: -round.length - 2 }
    return [{ op: 'forget', slot }, ...round, choice(greedy, 1, 3), { op: 'keep', slot }, back]
  }

  /** No round, or one, or `again` and again. */
  #loop(body: Program, again: boolean, greedy: boolean): Program {
    const slot = this.#slot()
    const round: Program = body[0]?.op === 'character' ? body : [{ op: 'keep', slot }, ...body, { op: 'moved', slot }]
    const back: Program = again ? [{ op: 'jump', to: -round.length - 1 }] : []
    return [choice(greedy, 1, round.length + back.length + 1), ...round, ...back]
  }

  #slot(): number {
    this.#loops += 1
    return this.#loops * SLOTS_OF_GROUP
  }

  #atom(depth: number): Program {
    const character = this.#text.charAt(this.#at)
    this.#at += 1
    switch (character) {
      case '^':
        return [{ op: 'start' }]
      case '$':
        return [{ op: 'end' }]
      case '.':
        return [{ op: 'character', test: () => true }]
      case '[':
        return [{ op: 'character', test: this.#set() }]
      case '\\':
        return [{ op: 'character', test: this.#escape() }]
      case '(': {
        const group = this.#group(depth + 1)
        if (!this.#take(')')) throw new SlreError('No closing bracket')
        return group
      }
      default:
        return [{ op: 'character', test: code => code === character.charCodeAt(0) }]
    }
  }

  #escape(): Test {
    const letter = this.#text.charAt(this.#at)
    this.#at += 1
    return escaped(letter)
  }

  #set(): Test {
    const negated = this.#take('^')
    const tests: Test[] = []
    for (;;) {
      if (this.#at >= this.#text.length) throw new SlreError("No closing ']' bracket")
      if (this.#take(']')) break
      if (this.#take('\\')) tests.push(this.#escape())
      else tests.push(this.#range())
    }
    // One look-up, however much is in the brackets.
    const bytes = Uint8Array.from({ length: 256 }, (_, code) => Number(tests.some(test => test(code))))
    return code => (bytes[code] === 1) !== negated
  }

  /** A character, or two with a dash between them. */
  #range(): Test {
    const first = this.#text.charCodeAt(this.#at)
    this.#at += 1
    if (this.#text[this.#at] !== '-' || [undefined, ']'].includes(this.#text[this.#at + 1])) {
      return code => code === first
    }
    const last = this.#text.charCodeAt(this.#at + 1)
    this.#at += 2
    return code => code >= first && code <= last
  }
}

/** A split that prefers `more`, or `enough`. */
const choice = (greedy: boolean, more: number, enough: number): Instruction =>
  greedy ? { op: 'split', first: more, second: enough } : { op: 'split', first: enough, second: more }

/** The steps that are left to one search at all positions of its text, or to several searches. */
export class SlreBudget {
  #left = BUDGET

  /** @throws SlreError */
  spend(): void {
    this.#left -= 1
    if (this.#left < 0) throw new SlreError('RE is too complex')
  }
}

/** The alternatives of a group: each but the last begins with a split and ends with a jump. */
function oneOf(alternatives: readonly Program[]): Program {
  const program: Instruction[] = []
  const end = alternatives.reduce((size, one) => size + one.length + 2, -2)
  for (const one of alternatives) {
    const last = program.length + one.length === end
    if (!last) program.push({ op: 'split', first: 1, second: one.length + 2 })
    program.push(...one)
    if (!last) program.push({ op: 'jump', to: end - program.length })
  }
  return program
}

/** What a failure goes back to: another way, or the old value of a slot. */
type Undo =
  | { readonly next: number; readonly at: number }
  | { readonly slot: number; readonly value: number | undefined }

/** Runs a program from one position of a text. It goes back over a list of its own, for Node's stack may be short. */
class Matcher {
  readonly #text: string
  readonly #budget: SlreBudget
  readonly #slots = new Map<number, number>()
  readonly #undo: Undo[] = []

  constructor(text: string, budget: SlreBudget) {
    this.#text = text
    this.#budget = budget
  }

  run(program: Program, start: number): boolean {
    let next = 0
    let at = start
    for (;;) {
      const instruction = program[next]
      if (instruction === undefined) return true
      this.#budget.spend()
      if (instruction.op === 'jump') next += instruction.to
      else if (instruction.op === 'split') {
        this.#undo.push({ next: next + instruction.second, at })
        next += instruction.first
      } else if (this.#holds(instruction, at)) {
        if (instruction.op === 'character') at += 1
        next += 1
      } else {
        const other = this.#goBack()
        if (other === null) return false
        next = other.next
        at = other.at
      }
    }
  }

  #holds(instruction: Exclude<Instruction, { op: 'jump' | 'split' }>, at: number): boolean {
    switch (instruction.op) {
      case 'character':
        return at < this.#text.length && instruction.test(this.#text.charCodeAt(at))
      case 'start':
        return at === 0
      case 'end':
        return at === this.#text.length
      case 'moved':
        return this.#slots.get(instruction.slot) !== at
      case 'keep':
        this.#set(instruction.slot, at)
        return true
      case 'forget':
        this.#set(instruction.slot, -1)
        return true
      case 'close': {
        const slot = instruction.group * SLOTS_OF_GROUP
        this.#set(slot + 1, this.#slots.get(slot))
        this.#set(slot + 2, at)
        return true
      }
    }
  }

  #set(slot: number, value: number | undefined): void {
    this.#undo.push({ slot, value: this.#slots.get(slot) })
    this.#put(slot, value)
  }

  #put(slot: number, value: number | undefined): void {
    if (value === undefined) this.#slots.delete(slot)
    else this.#slots.set(slot, value)
  }

  #goBack(): { readonly next: number; readonly at: number } | null {
    for (;;) {
      const undo = this.#undo.pop()
      if (undo === undefined) return null
      if ('next' in undo) return undo
      this.#budget.spend()
      this.#put(undo.slot, undo.value)
    }
  }

  /** What the groups matched, up to the last that matched anything. */
  captures(): Captures {
    const captures: [number, number][] = []
    for (const [slot, end] of this.#slots) {
      if (slot % SLOTS_OF_GROUP === 2) captures[(slot - 2) / SLOTS_OF_GROUP] = [this.#slots.get(slot - 1) ?? 0, end]
    }
    return captures
  }
}

/**
 * Make an expression ready.
 *
 * @returns a function that finds the first match in a text, or null. An empty text matches nothing, as in SLRE. A
 *   command that searches more than once gives all its searches one budget.
 * @throws SlreError; the search throws it too
 */
export function compileSlre(expression: string): (text: string, budget?: SlreBudget) => Captures | null {
  const program = new Compiler(expression).compile()
  return (text, budget = new SlreBudget()) => {
    for (let start = 0; start < text.length; start += 1) {
      const matcher = new Matcher(text, budget)
      if (matcher.run(program, start)) return matcher.captures()
    }
    return null
  }
}
