/**
 * A board's memory is for artifacts: by default V8 lets garbage grow to several times what is in use. `npm run soak` has the
 * figures. Like the options in the agent's unit, it must be the same when the code cache is made.
 */
export const V8_FLAG = '--heap-growing-percent=50'
