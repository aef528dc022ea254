/** What one kind of client does to the agent, again and again. */

export interface Client {
  readonly name: string
  /** how many of them at a time */
  readonly count: number
  /** seconds between two acts of one of them, at most */
  readonly rest: number
  /**
   * From the connection to its end; the agent may refuse or cut any connection.
   *
   * @param index of this one among its kind
   * @returns what is wrong with the agent's answer; null if nothing is
   */
  act(index: number): Promise<string | null>
}
