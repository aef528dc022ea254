/**
 * The small regular expressions of U-Boot's environment: `eth\d*addr` in lists of flags, `grepenv -e`. They are typed by
 * anybody, so they are matched by following all states at once: time grows with pattern times text, never faster.
 */

type Test = (char: string) => boolean

interface Atom {
  readonly test: Test
  /** it may be left out */
  readonly optional: boolean
  /** it may come again */
  readonly repeated: boolean
}

const CLASSES: Readonly<Record<string, Test>> = {
  d: char => char >= '0' && char <= '9',
  s: char => /\s/.test(char),
  S: char => !/\s/.test(char),
  w: char => /\w/.test(char),
}

/** The inside of `[...]`. */
function set(inside: string): Test {
  const negated = inside.startsWith('^')
  const ranges = [...(negated ? inside.slice(1) : inside).matchAll(/(.)-(.)|(.)/gs)]
  return char =>
    ranges.some(([, from, to, single]) =>
      from !== undefined && to !== undefined ? char >= from && char <= to : char === single,
    ) !== negated
}

const ATOM = /(?:\\(.)|\[(\^?\]?[^\]]*)\]|(.))([*+?]?)/gs

function atoms(pattern: string): readonly Atom[] {
  return [...pattern.matchAll(ATOM)].map(([, escaped, inside, plain, quantifier]) => ({
    test:
      escaped !== undefined
        ? (CLASSES[escaped] ?? (char => char === escaped))
        : inside !== undefined
          ? set(inside)
          : plain === '.'
            ? () => true
            : char => char === plain,
    optional: quantifier === '*' || quantifier === '?',
    repeated: quantifier === '*' || quantifier === '+',
  }))
}

/** The atoms that may come at `at`, those behind optional ones among them. */
function reach(list: readonly Atom[], at: number, states: Set<number>): void {
  for (let next = at; !states.has(next); next++) {
    states.add(next)
    if (!list[next]?.optional) return
  }
}

function matchesOne(pattern: string, text: string): boolean {
  const start = pattern.startsWith('^')
  const end = pattern.endsWith('$') && !pattern.endsWith('\\$')
  const list = atoms(pattern.slice(start ? 1 : 0, end ? -1 : undefined))
  let states = new Set<number>()
  reach(list, 0, states)
  for (const char of text) {
    if (!end && states.has(list.length)) return true
    const next = new Set<number>()
    for (const state of states) {
      const atom = list[state]
      if (atom === undefined || !atom.test(char)) continue
      if (atom.repeated) reach(list, state, next)
      reach(list, state + 1, next)
    }
    if (!start) reach(list, 0, next)
    states = next
  }
  return states.has(list.length)
}

/**
 * Whether part of `text` fits the pattern: `. [a-z] [^a-z] \d \s \S \w \x * + ? ^ $`, and `|` between whole patterns.
 * There are no groups: a parenthesis is itself.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  return pattern.split('|').some(one => matchesOne(one, text))
}
