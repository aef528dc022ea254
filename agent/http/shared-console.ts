/** What the WebSocket of the console talks to. */

/** The subprotocol of the console. */
export const CONSOLE_PROTOCOL = 'fauxboot.console'

/** The serial line that the fake U-Boot talks over; bytes are text, as latin1. `agent/main.ts` provides it. */
export interface SharedConsole {
  watch(watcher: { send(bytes: string): void; resume(): void }): {
    readonly recent: string
    type(bytes: string): boolean
    close(): void
  }
}
