/** Checks values from outside against a schema, and reports the first wrong one with its path. */

import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** A mismatch between a value and its schema. */
export interface Mismatch {
  /** path such as `boards[1].console`; empty for the value itself */
  readonly where: string
  /** the expected value, in words */
  readonly reason: string
  /** the found value, shortened */
  readonly found: string
}

/** Characters of a value that an error quotes. */
const QUOTED = 80

/**
 * Check a value.
 *
 * @param refuse makes the error that is thrown
 * @returns the value, with its type
 */
export function checkValue<S extends TSchema>(schema: S, value: unknown, refuse: (mismatch: Mismatch) => Error) {
  for (const { keyword, instancePath, message, params } of Value.Errors(schema, value)) {
    // An unknown property is reported twice, first by a schema `false`; the report about its owner is more useful.
    if (keyword === 'boolean') continue
    const keys = keysOf(instancePath)
    const verdict = PROPERTY_VERDICTS[keyword]
    const [property] = verdict === undefined ? [] : Object.values(params).flat()
    if (verdict !== undefined) keys.push(String(property))
    const reason = verdict ?? descriptionAt(schema, keys) ?? message
    throw refuse({ where: pathOf(keys), reason, found: shown(valueAt(value, keys)) })
  }
  return value as Static<S>
}

/** Errors of an object that are about one of its properties. */
const PROPERTY_VERDICTS: Readonly<Record<string, string>> = {
  additionalProperties: 'is not known here',
  required: 'is missing',
}

/** Keys of a JSON pointer (RFC 6901). */
const keysOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))

/** Keys as people write a path: `boards[1].console`. */
const pathOf = (keys: readonly string[]): string =>
  keys
    .map(key => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '')

/** The parts of JSON Schema that lead to the schema of a part of the value. */
interface SchemaNode {
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
}

/** The expected value in plain words, because a pattern explains nothing. */
function descriptionAt(schema: SchemaNode, keys: readonly string[]): string | undefined {
  let node: SchemaNode | undefined = schema
  for (const key of keys) node = node?.properties?.[key] ?? node?.items
  return node?.description === undefined ? undefined : `must be ${node.description}`
}

const valueAt = (value: unknown, keys: readonly string[]): unknown =>
  keys.reduce<unknown>(
    (owner, key) =>
      typeof owner === 'object' && owner !== null ? (owner as Readonly<Record<string, unknown>>)[key] : undefined,
    value,
  )

/** A value as an error quotes it. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > QUOTED ? `${text.slice(0, QUOTED)}...` : text
}
