/** A module hook (https://nodejs.org/api/module.html#customization-hooks): `tap` is tap-of-file.mjs. */

const TAP_OF_FILE = new URL('tap-of-file.mjs', import.meta.url).href

export function resolve(specifier, context, nextResolve) {
  if (specifier !== 'tap' || context.parentURL === TAP_OF_FILE) return nextResolve(specifier, context)
  return { url: TAP_OF_FILE, shortCircuit: true }
}
