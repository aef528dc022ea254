/** The line `CPU:` of U-Boot's banner, by the device tree's name of the SoC. U-Boot names Allwinner's so. */
export const CPU_NAMES: Readonly<Record<string, string>> = {
  'allwinner,sun4i-a10': 'Allwinner A10 (SUN4I)',
  'allwinner,sun6i-a31': 'Allwinner A31 (SUN6I)',
  'allwinner,sun7i-a20': 'Allwinner A20 (SUN7I)',
  'allwinner,sun8i-a83t': 'Allwinner A83T (SUN8I 1673)',
  'allwinner,sun8i-h3': 'Allwinner H3 (SUN8I 1680)',
  'allwinner,sun8i-r40': 'Allwinner R40 (SUN8I 1701)',
  'allwinner,sun9i-a80': 'Allwinner A80 (SUN9I)',
}
