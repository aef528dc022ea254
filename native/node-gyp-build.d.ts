/** The package has no types of its own. */
declare module 'node-gyp-build' {
  /** Load the addon whose `prebuilds/` or `build/` lies in the directory. */
  export default function load(directory: string): unknown
}
