/** Errors of the native part. It imports nothing of the agent, so these are plain errors; callers translate them. */

/** A system call that the kernel refused. The message contains the whole call. */
export class NativeError extends Error {
  override readonly name = 'NativeError'
  /** positive, see errno(3) */
  readonly errno: number
  /** `EPERM` */
  readonly errname: string
  /** name of the system call: `kexec_load` */
  readonly syscall: string
  /** the call with its arguments: `kexec_load(entry 0x42000000, ...)` */
  readonly call: string

  /** @param failed the error of Node or of the addon, whose `errno` is negative; it becomes the cause */
  constructor(call: string, failed: Error & { errno: number; code: string; syscall: string }) {
    super(`${call} failed: ${failed.code} (${-failed.errno})`, { cause: failed })
    this.call = call
    this.errno = -failed.errno
    this.errname = failed.code
    this.syscall = failed.syscall
  }
}

/** Invalid arguments. The call was not made. */
export class NativeArgumentError extends Error {
  override readonly name = 'NativeArgumentError'
  /** the call with its arguments */
  readonly call: string
  /** which argument is wrong, what was expected, and what was found */
  readonly reason: string

  constructor(call: string, reason: string, options?: ErrorOptions) {
    super(`${call}: ${reason}`, options)
    this.call = call
    this.reason = reason
  }
}

/** The addon is missing, or does not fit this Node. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
}
