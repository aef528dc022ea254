/** The package has no types of its own. */
declare module 'node-gyp-build' {
  /** Load the addon from `prebuilds/` or `build/` in a directory. */
  export default function load(directory: string): unknown
}
