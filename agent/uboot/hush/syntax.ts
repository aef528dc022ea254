/** What the parser makes of text: lists of steps. */

import { literal, type Word } from './words.js'

/** A command or a compound, and the separator after it. If both are empty, only the separator counts. */
export interface Step {
  readonly words: readonly Word[]
  readonly compound: Compound | null
  readonly next: ';' | '&&' | '||'
}

export type Steps = readonly Step[]

export type Compound =
  | {
      readonly kind: 'if'
      readonly branches: readonly { readonly condition: Steps; readonly body: Steps }[]
      readonly otherwise: Steps
    }
  | { readonly kind: 'while' | 'until'; readonly condition: Steps; readonly body: Steps }
  | { readonly kind: 'for'; readonly name: string; readonly words: readonly Word[]; readonly body: Steps }

/** A part of a compound: the reserved word that begins it, and its steps. */
export interface Section {
  readonly word: string
  readonly steps: Step[]
}

/** Reserved words: which may follow, and whether they start or end a compound. */
export const RESERVED: ReadonlyMap<string, { readonly follow: readonly string[]; readonly role?: 'begin' | 'end' }> =
  new Map([
    ['if', { follow: ['then'], role: 'begin' }],
    ['then', { follow: ['elif', 'else', 'fi'] }],
    ['elif', { follow: ['then'] }],
    ['else', { follow: ['fi'] }],
    ['fi', { follow: [], role: 'end' }],
    ['for', { follow: ['in'], role: 'begin' }],
    ['while', { follow: ['do'], role: 'begin' }],
    ['until', { follow: ['do'], role: 'begin' }],
    ['in', { follow: ['do'] }],
    ['do', { follow: ['done'] }],
    ['done', { follow: [], role: 'end' }],
  ])

/** Put the sections of a compound together. Null: `for` has more than one name. */
export function compound(sections: readonly Section[]): Compound | null {
  const [first, second, third] = sections.map(({ steps }) => steps)
  switch (sections[0]?.word) {
    case 'for': {
      const [name, ...more] = (first ?? []).flatMap(({ words }) => words)
      if (more.length > 0) return null
      // Without a name (`for in a b`) there is nothing to do.
      const words = name === undefined ? [] : (second?.[0]?.words ?? [])
      return { kind: 'for', name: name === undefined ? '' : (literal(name) ?? ''), words, body: third ?? [] }
    }
    case 'while':
    case 'until':
      return { kind: sections[0].word, condition: first ?? [], body: second ?? [] }
    default: {
      const bodies = sections.filter(({ word }) => word === 'then')
      const conditions = sections.filter(({ word }) => word === 'if' || word === 'elif')
      return {
        kind: 'if',
        branches: conditions.map(({ steps }, index) => ({ condition: steps, body: bodies[index]?.steps ?? [] })),
        otherwise: sections.find(({ word }) => word === 'else')?.steps ?? [],
      }
    }
  }
}
