/** Bearer tokens: each in a file of its own, so that no list of processes and no configuration shows one. */

import { fault } from '../../agent/errors.js'
import { readInput } from './local-file.js'

const TOKEN_LIMIT = 4096

/**
 * Read a token. It is one line of visible ASCII (RFC 6750 section 2.1, a little wider): anything else breaks the header.
 *
 * @throws CLI_FILE
 */
export async function readToken(file: string): Promise<string> {
  const token = Buffer.from(await readInput(file, TOKEN_LIMIT))
    .toString('utf8')
    .trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw fault('CLI_FILE', {
    file,
    reason: token === '' ? 'holds no token' : 'holds more than one token of visible ASCII',
  })
}
