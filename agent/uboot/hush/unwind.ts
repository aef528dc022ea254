/** Unwinding that is not an error: no running command may catch it. */

export abstract class ShellUnwind extends Error {}

/** `exit`: the innermost script ends. */
export class ScriptExit extends ShellUnwind {
  constructor(
    /** `$?` */
    readonly status: number,
  ) {
    super(`exit ${status}`)
  }
}

/** Everything of the typed line ends: ^C in a loop that no command can see, scripts nested too deep. */
export class LineStopped extends ShellUnwind {}
