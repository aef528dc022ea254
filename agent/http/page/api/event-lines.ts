/** Server-sent events of the agent: WHATWG HTML, section 9.2.6. `EventSource` cannot send the header with the token. */

export class EventLines {
  #rest = ''

  /**
   * Take the next text of the stream.
   *
   * @returns the data of each event that is complete now; the agent's have one line
   */
  take(text: string): string[] {
    const events = (this.#rest + text).split('\n\n')
    this.#rest = events.pop() ?? ''
    return events.flatMap(event => {
      const data = event.split('\n').find(line => line.startsWith('data: '))
      return data === undefined ? [] : [data.slice('data: '.length)]
    })
  }
}
