/** The serial console of a board, however the lab leads it here: bytes both ways. */

export interface ConsoleLine {
  /** the console as it was asked for, for people: `telnet://server:5001` */
  readonly name: string
  /** Bytes from the board as they come; ends when the line is gone. To be read by one reader, once. */
  readonly input: AsyncIterable<Uint8Array>
  /**
   * Send bytes to the board.
   *
   * @throws CONSOLE_GONE when the line is gone, or takes nothing for long
   */
  write(bytes: Uint8Array): Promise<void>
  /** resolves with why the line ended */
  readonly ended: Promise<string>
  /** Let go of the line; `ended` resolves. */
  close(): Promise<void>
}
