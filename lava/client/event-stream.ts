/** Server-sent events, as they arrive: WHATWG HTML, section 9.2.6 "Interpreting an event stream". */

import { StringDecoder } from 'node:string_decoder'
import { fault } from '../../agent/errors.js'

/** One dispatched event. */
export interface StreamEvent {
  /** last event id of the stream at this event; empty if there was none */
  readonly id: string
  /** `message` if the stream names none */
  readonly type: string
  readonly data: string
}

/** An event of the agent is a few hundred bytes; more than this is not an event stream. */
const EVENT_LIMIT = 1024 * 1024

/**
 * Parse an event stream. An event that is cut by the end of the stream is dropped, as the standard asks.
 *
 * @param chunks bytes as they arrive, cut anywhere
 * @param url where they come from, for the error
 * @throws BOARD_ANSWER when an event is larger than 1 MiB
 */
export async function* parseEventStream(chunks: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<StreamEvent> {
  const event = { id: '', type: '', data: [] as string[], length: 0 }
  for await (const line of streamLines(chunks, url)) {
    if (line === '') {
      if (event.data.length > 0) yield { id: event.id, type: event.type || 'message', data: event.data.join('\n') }
      event.type = ''
      event.data = []
      event.length = 0
      continue
    }
    event.length += line.length
    if (event.length > EVENT_LIMIT) throw tooLarge(url)
    // "field: value": one blank after the colon belongs to the colon. A line that starts with a colon is a comment.
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') event.data.push(value)
    else if (field === 'event') event.type = value
    else if (field === 'id' && !value.includes('\0')) event.id = value
  }
}

/** Lines end with CR LF, LF or CR; a CR at the end of a chunk may be half of a CR LF. */
async function* streamLines(chunks: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let first = true
  for await (const chunk of chunks) {
    let text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (text === '') continue
    if (first && text.startsWith('\ufeff')) text = text.slice(1)
    first = false
    rest += text
    const held = rest.endsWith('\r') ? '\r' : ''
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + held
    if (rest.length > EVENT_LIMIT) throw tooLarge(url)
    yield* lines
  }
}

function tooLarge(url: string) {
  return fault('BOARD_ANSWER', { url, reason: `an event is larger than ${EVENT_LIMIT} bytes` })
}
