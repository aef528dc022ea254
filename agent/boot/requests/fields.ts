/** Readers for values from outside; every error names the path of the wrong value. */

import { fault, withoutUserInfo } from '../../errors.js'

/** A refusal: `where` is a path such as `overlays[1].sha256`; the empty path is the job itself. */
export function invalid(where: string, reason: string) {
  return fault('JOB_INVALID', { where: where === '' ? 'the job' : where, reason })
}

/** A value as an error quotes it. An object is only named: quoted, it could be much longer than the job. */
export const shown = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value)
  // Cut first, a URL could end within its password.
  return text === undefined ? `a ${typeof value}` : withoutUserInfo(text).slice(0, 80)
}

export type Fields = Readonly<Record<string, unknown>>

/** @throws JOB_INVALID */
export function readObject(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw invalid(where, `must be an object, found ${shown(value)}`)
}

/** An object without unknown fields. @throws JOB_INVALID */
export function readExactObject(value: unknown, where: string, known: readonly string[]): Fields {
  const fields = readObject(value, where)
  const unknown = Object.keys(fields).find(key => !known.includes(key))
  if (unknown === undefined) return fields
  throw invalid(at(where, unknown), `is not known here; known: ${known.join(', ')}`)
}

/** @throws JOB_INVALID */
export function readList(value: unknown, where: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, `must be a list, found ${shown(value)}`)
  if (value.length > most) throw invalid(where, `has ${value.length} entries, at most ${most} are possible`)
  return value
}

/**
 * A text of one line.
 *
 * @param most characters
 * @throws JOB_INVALID
 */
export function readText(value: unknown, where: string, most: number): string {
  if (typeof value !== 'string') throw invalid(where, `must be a text, found ${shown(value)}`)
  if (value.length > most) throw invalid(where, `has ${value.length} characters, at most ${most} are possible`)
  const control = /\p{Cc}/u.exec(value)?.[0]
  if (control === undefined) return value
  throw invalid(where, `holds a control character: ${JSON.stringify(control)}`)
}

/** @throws JOB_INVALID */
export function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(where, `must be true or false, found ${shown(value)}`)
}

/** A number of bytes. @throws JOB_INVALID */
export function readSize(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(where, `must be a number of bytes, found ${shown(value)}`)
}

/** A number of seconds, at most an hour. @throws JOB_INVALID */
export function readSeconds(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 3600) return value
  throw invalid(where, `must be a whole number of seconds from 0 to 3600, found ${shown(value)}`)
}

/** One of a few words. @throws JOB_INVALID */
export function readWord<const W extends string>(value: unknown, where: string, words: readonly W[]): W {
  const word = words.find(known => known === value)
  if (word !== undefined) return word
  throw invalid(where, `must be one of ${words.join(', ')}, found ${shown(value)}`)
}

/** A sha256 in hex; upper case is brought to lower. @throws JOB_INVALID */
export function readSha256(value: unknown, where: string): string {
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw invalid(where, `must be a sha256 of 64 hex digits, found ${shown(value)}`)
}

/** An http or https URL. @throws JOB_INVALID */
export function readUrl(value: unknown, where: string): string {
  const text = readText(value, where, 8192)
  const protocol = URL.canParse(text) ? new URL(text).protocol : ''
  if (protocol === 'http:' || protocol === 'https:') return text
  throw invalid(where, `must be an http or https URL, found ${shown(value)}`)
}

/** The path of a field. */
export const at = (where: string, field: string | number): string =>
  typeof field === 'number' ? `${where}[${field}]` : where === '' ? field : `${where}.${field}`
