/** What the planner takes from Node's global objects; `agent/bundle/page.ts` puts it before the page's code. */

export { Buffer } from 'buffer'
