/** Where fetched bytes go. */
export interface Sink {
  /**
   * Take the next bytes. The next chunk is fetched when this has resolved, so a slow sink slows the sender.
   * Its error ends the transfer.
   */
  write(chunk: Uint8Array): Promise<void>
  /** Forget everything taken so far: the file starts over. */
  reset(): Promise<void>
}
