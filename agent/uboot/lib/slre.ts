/**
 * Regular expressions in the dialect of SLRE, which U-Boot has for `setexpr` and `test`: `^ $ . [] [^] () | * + ? *? +?`
 * and the escapes `\n \r \t \0 \s \S \d`; any other character behind a backslash is itself. There are no counted
 * repetitions. Its matcher counts its steps, so that no expression can hang the machine.
 */

type Test = (code: number) => boolean

type Node =
  | { readonly kind: 'character'; readonly test: Test }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'group'; readonly number: number; readonly alternatives: readonly (readonly Node[])[] }
  | {
      readonly kind: 'repeat'
      readonly node: Node
      readonly least: number
      readonly most: number
      readonly greedy: boolean
    }

/** Start and end of the matches of an expression and its groups; number 0 is the whole match. */
export type Captures = readonly (readonly [start: number, end: number] | undefined)[]

/** steps of one search */
const BUDGET = 1_000_000
/** groups in groups, and repetitions of a group */
const DEEPEST = 1000

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

class Compiler {
  readonly #text: string
  #at = 0
  #groups = 0

  constructor(text: string) {
    this.#text = text
  }

  compile(): Node {
    const node = this.#group(0)
    if (this.#at < this.#text.length) throw new SlreError('Unbalanced brackets')
    return node
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #group(depth: number): Node {
    if (depth > DEEPEST) throw new SlreError('RE is too long (code overflow)')
    const number = this.#groups
    this.#groups += 1
    const alternatives: Node[][] = [[]]
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#take('|')) alternatives.push([])
      else alternatives.at(-1)?.push(this.#repeat(this.#atom(depth)))
    }
    return { kind: 'group', number, alternatives }
  }

  #repeat(node: Node): Node {
    if (this.#take('?')) return { kind: 'repeat', node, least: 0, most: 1, greedy: true }
    const least = this.#take('*') ? 0 : this.#take('+') ? 1 : null
    if (least === null) return node
    return { kind: 'repeat', node, least, most: Number.POSITIVE_INFINITY, greedy: !this.#take('?') }
  }

  #atom(depth: number): Node {
    const character = this.#text.charAt(this.#at)
    this.#at += 1
    switch (character) {
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '.':
        return { kind: 'character', test: () => true }
      case '[':
        return { kind: 'character', test: this.#set() }
      case '\\':
        return { kind: 'character', test: this.#escape() }
      case '(': {
        const group = this.#group(depth + 1)
        if (!this.#take(')')) throw new SlreError('No closing bracket')
        return group
      }
      default:
        return { kind: 'character', test: code => code === character.charCodeAt(0) }
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
    return code => tests.some(test => test(code)) !== negated
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

/** What remains to be matched: nodes, then the continuation of their group. */
type Rest = (at: number) => boolean

class Matcher {
  readonly captures: [number, number][] = []
  readonly #text: string
  #steps = 0

  constructor(text: string) {
    this.#text = text
  }

  sequence(nodes: readonly Node[], index: number, at: number, rest: Rest, depth: number): boolean {
    const node = nodes[index]
    if (node === undefined) return rest(at)
    return this.node(node, at, next => this.sequence(nodes, index + 1, next, rest, depth + 1), depth + 1)
  }

  node(node: Node, at: number, rest: Rest, depth: number): boolean {
    this.#steps += 1
    if (this.#steps > BUDGET || depth > DEEPEST) throw new SlreError('RE is too complex')
    switch (node.kind) {
      case 'start':
        return at === 0 && rest(at)
      case 'end':
        return at === this.#text.length && rest(at)
      case 'character':
        return at < this.#text.length && node.test(this.#text.charCodeAt(at)) && rest(at + 1)
      case 'group':
        return node.alternatives.some(nodes => this.#inGroup(node.number, nodes, at, rest, depth))
      case 'repeat':
        return node.node.kind === 'character'
          ? this.#characters(node.node.test, node, at, rest)
          : this.#groups(node, 0, at, rest, depth)
    }
  }

  #inGroup(number: number, nodes: readonly Node[], at: number, rest: Rest, depth: number): boolean {
    const before = this.captures[number]
    const closed = (end: number): boolean => {
      this.captures[number] = [at, end]
      return rest(end)
    }
    if (this.sequence(nodes, 0, at, closed, depth)) return true
    if (before === undefined) delete this.captures[number]
    else this.captures[number] = before
    return false
  }

  /** One character repeated: no recursion, however many there are. */
  #characters(test: Test, { least, most, greedy }: Node & { kind: 'repeat' }, at: number, rest: Rest): boolean {
    let end = at
    const last = Math.min(this.#text.length, at + most)
    if (greedy) {
      while (end < last && test(this.#text.charCodeAt(end))) end += 1
      for (; end >= at + least; end -= 1) if (this.#tried(rest, end)) return true
      return false
    }
    for (; ; end += 1) {
      if (end >= at + least && this.#tried(rest, end)) return true
      if (end >= last || !test(this.#text.charCodeAt(end))) return false
    }
  }

  #tried(rest: Rest, at: number): boolean {
    this.#steps += 1
    if (this.#steps > BUDGET) throw new SlreError('RE is too complex')
    return rest(at)
  }

  #groups(node: Node & { kind: 'repeat' }, count: number, at: number, rest: Rest, depth: number): boolean {
    const again = (): boolean =>
      count < node.most &&
      this.node(
        node.node,
        at,
        // A round that matches nothing would repeat forever.
        next => (next > at || count < node.least) && this.#groups(node, count + 1, next, rest, depth + 2),
        depth + 1,
      )
    const enough = (): boolean => count >= node.least && rest(at)
    return node.greedy ? again() || enough() : enough() || again()
  }
}

/**
 * Make an expression ready.
 *
 * @returns a function that finds the first match in a text, or null. An empty text matches nothing, as in SLRE.
 * @throws SlreError; the search throws it too
 */
export function compileSlre(expression: string): (text: string) => Captures | null {
  const root = new Compiler(expression).compile()
  return text => {
    for (let start = 0; start < text.length; start += 1) {
      const matcher = new Matcher(text)
      if (matcher.node(root, start, () => true, 0)) return matcher.captures
    }
    return null
  }
}
