/** Compression, told by its magic and never by a file's name. */
export const COMPRESSION_FORMATS = ['gzip', 'xz', 'lzma', 'zstd', 'bzip2', 'lz4'] as const
export type CompressionFormat = (typeof COMPRESSION_FORMATS)[number]
