/** Errors that an agent sends as `ErrorJson`. */

import { ERRORS, type ErrorCode, FauxbootError } from '../../agent/errors.js'

/**
 * The error of the table that an agent had: with the same code, problem and exit code.
 *
 * @param json the agent's error
 * @returns null if it is not in this table, as with another version of the agent
 */
export function remoteFault(json: object): FauxbootError | null {
  const { code, details, message = '' }: { code?: unknown; details?: unknown; message?: unknown } = json
  if (typeof code !== 'string' || !(code in ERRORS) || !isDetails(details)) return null
  const error = new FauxbootError(code as ErrorCode, details)
  // Another version of the agent may know another remedy.
  return String(message).startsWith(error.problem) ? error : null
}

function isDetails(value: unknown): value is Record<string, string | number> {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every(field => typeof field === 'string' || typeof field === 'number')
}
