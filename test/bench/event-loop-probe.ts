/** Loaded into an agent before its own code: answers each message with the longest time, in milliseconds, that the event loop was blocked since the last one. */

import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('message', () => {
  process.send?.(delay.max / 1e6)
  delay.reset()
})
// The agent ends as it does without this.
process.channel?.unref()
